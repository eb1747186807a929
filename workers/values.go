package workers

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"nowcast/internal/core/pyyaml"
)

// Date is a Python datetime.date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// NoZone is the location of a time without time zone, a naive datetime.datetime in Python.
var NoZone = time.FixedZone("", 0)

// deepest is how far values may be nested; it also ends values that contain themselves.
const deepest = 500

// yamlValue is a value that needs no conversion because it was read from YAML.
type yamlValue struct{ pyyaml.Value }

// toYAML converts plain Go data: nil, booleans, numbers, strings, []byte, time.Time, Date, slices, arrays, maps, and pointers
// and interfaces to them. A map[K]struct{} is a set. path says where v is, for the error.
func toYAML(v any, path string, depth int) (pyyaml.Value, error) {
	if depth > deepest {
		return nil, fmt.Errorf("%s is nested more than %d deep", path, deepest)
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case time.Time:
		// A Python datetime has microseconds.
		return pyyaml.DateTime{Time: v.Truncate(time.Microsecond), Aware: v.Location() != NoZone}, nil
	case Date:
		return pyyaml.Date(v), nil
	case yamlValue:
		return v.Value, nil
	case time.Duration:
		return nil, fmt.Errorf("%s is a time.Duration, which YAML does not have: send seconds or text", path)
	case []byte:
		return pyyaml.Binary(v), nil
	case *big.Int:
		if v == nil {
			return nil, nil
		}
		return integer(v), nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return integer(new(big.Int).SetUint64(r.Uint())), nil
	case reflect.Float32:
		// By way of its shortest text, so that 0.1 does not become 0.10000000149011612.
		return strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
	case reflect.Float64:
		return r.Float(), nil
	case reflect.String:
		if !utf8.ValidString(r.String()) {
			return nil, fmt.Errorf("%s is a string that is not UTF-8: send []byte", path)
		}
		return r.String(), nil
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil, nil
		}
		return toYAML(r.Elem().Interface(), path, depth+1)
	case reflect.Slice, reflect.Array:
		return list(r, path, depth)
	case reflect.Map:
		return mapping(r, path, depth)
	}
	return nil, fmt.Errorf("%s is a %T, which cannot be sent: use maps, slices, strings, numbers, booleans, time.Time, workers.Date or []byte", path, v)
}

// integer returns an int64 if that is enough.
func integer(i *big.Int) pyyaml.Value {
	if i.IsInt64() {
		return i.Int64()
	}
	return new(big.Int).Set(i)
}

func list(r reflect.Value, path string, depth int) (pyyaml.Value, error) {
	out := make([]pyyaml.Value, r.Len())
	for i := range out {
		v, err := toYAML(r.Index(i).Interface(), path+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func mapping(r reflect.Value, path string, depth int) (pyyaml.Value, error) {
	isSet := r.Type().Elem() == reflect.TypeFor[struct{}]()
	set, m := pyyaml.NewSet(), pyyaml.NewMap(r.Len())
	for it := r.MapRange(); it.Next(); {
		at := fmt.Sprintf("%s[%#v]", path, it.Key().Interface())
		k, err := toYAML(it.Key().Interface(), "the key "+at, depth+1)
		if err != nil {
			return nil, err
		}
		switch k.(type) {
		case *pyyaml.Map, *pyyaml.Set, []pyyaml.Value:
			return nil, fmt.Errorf("the key %s is not a scalar", at)
		}
		if isSet {
			set.Add(k)
			continue
		}
		v, err := toYAML(it.Value().Interface(), at, depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(k, v)
	}
	if isSet {
		return set, nil
	}
	return m, nil
}

// fromYAML converts to plain Go data: nil, bool, int, *big.Int, float64, string, []byte, Date, time.Time, []any,
// map[string]any (map[any]any if a key is not a string), map[any]struct{} for a set, and [][2]any for pairs.
func fromYAML(v pyyaml.Value) any {
	switch v := v.(type) {
	case int64:
		return int(v)
	case pyyaml.Binary:
		return []byte(v)
	case pyyaml.Date:
		return Date(v)
	case pyyaml.DateTime:
		if !v.Aware {
			t := v.Time
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), NoZone)
		}
		return v.Time
	case []pyyaml.Value:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = fromYAML(e)
		}
		return out
	case *pyyaml.Map:
		return plainMap(v)
	case *pyyaml.Set:
		out := make(map[any]struct{}, v.Len())
		for k := range v.All() {
			out[plainKey(k)] = struct{}{}
		}
		return out
	case pyyaml.Pairs:
		out := make([][2]any, len(v))
		for i, p := range v {
			out[i] = [2]any{fromYAML(p.Key), fromYAML(p.Value)}
		}
		return out
	}
	return v
}

func plainMap(m *pyyaml.Map) any {
	texts := make(map[string]any, m.Len())
	for k, v := range m.All() {
		s, ok := k.(string)
		if !ok {
			return mixedMap(m)
		}
		texts[s] = fromYAML(v)
	}
	return texts
}

func mixedMap(m *pyyaml.Map) any {
	out := make(map[any]any, m.Len())
	for k, v := range m.All() {
		out[plainKey(k)] = fromYAML(v)
	}
	return out
}

// plainKey is fromYAML for keys; a []byte cannot be one in Go, so bytes become a string.
func plainKey(k pyyaml.Value) any {
	if b, ok := k.(pyyaml.Binary); ok {
		return string(b)
	}
	return fromYAML(k)
}
