package starlark

import (
	"fmt"
	"math/big"
	"time"

	"go.starlark.net/starlark"

	"nowcast/internal/core/pyyaml"
)

// wrap returns v as a rule sees it. A mapping is wrapped and not copied; a list becomes a frozen Starlark list whose
// mappings are wrapped, so touching it costs its own length and not that of what is below it. where is the
// place v was found at, for error messages.
func wrap(v pyyaml.Value, where path) starlark.Value {
	switch v := v.(type) {
	case nil:
		return starlark.None
	case bool:
		return starlark.Bool(v)
	case int64:
		return starlark.MakeInt64(v)
	case int:
		return starlark.MakeInt(v)
	case *big.Int:
		return starlark.MakeBigInt(v)
	case float64:
		return starlark.Float(v)
	case string:
		return starlark.String(v)
	case pyyaml.Binary:
		return starlark.Bytes(v)
	case pyyaml.Date:
		return moment{dateKind, time.Date(v.Year, v.Month, v.Day, 0, 0, 0, 0, time.UTC)}
	case pyyaml.DateTime:
		if v.Aware {
			return moment{datetimeKind, v.Time}
		}
		return moment{naiveKind, v.Time}
	case *pyyaml.Map:
		return &dict{m: v, where: where}
	case []pyyaml.Value:
		return wrapList(v, where)
	case pyyaml.Pairs:
		return wrapPairs(v, where)
	case *pyyaml.Set:
		return wrapSet(v)
	}
	return starlark.String(fmt.Sprint(v))
}

func wrapList(list []pyyaml.Value, where path) starlark.Value {
	elems := make([]starlark.Value, len(list))
	for i, v := range list {
		elems[i] = wrap(v, path{&where, i})
	}
	l := starlark.NewList(elems)
	l.Freeze()
	return l
}

func wrapPairs(pairs pyyaml.Pairs, where path) starlark.Value {
	elems := make([]starlark.Value, len(pairs))
	for i, p := range pairs {
		at := path{&where, i}
		elems[i] = starlark.Tuple{wrap(p.Key, at), wrap(p.Value, at)}
	}
	l := starlark.NewList(elems)
	l.Freeze()
	return l
}

func wrapSet(members *pyyaml.Set) starlark.Value {
	s := starlark.NewSet(members.Len())
	for m := range members.All() {
		_ = s.Insert(wrap(m, path{})) // members of a set are scalars: each of them can be hashed
	}
	s.Freeze()
	return s
}

// unwrapKey returns the mapping key that a Starlark value stands for, and false if it cannot be one.
func unwrapKey(v starlark.Value) (pyyaml.Value, bool) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, true
	case starlark.Bool:
		return bool(v), true
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return i, true
		}
		return v.BigInt(), true
	case starlark.Float:
		return float64(v), true
	case starlark.String:
		return string(v), true
	case starlark.Bytes:
		return pyyaml.Binary(v), true
	case moment:
		return v.unwrap(), true
	}
	return nil, false
}

// path is where a value was found: a key below another path, or a name such as "checklist" at the top.
type path struct {
	parent *path
	key    any
}

// String shows the path as one would write it in a rule.
func (p path) String() string {
	if p.parent == nil {
		return fmt.Sprint(p.key)
	}
	key := fmt.Sprint(p.key)
	if s, ok := p.key.(string); ok {
		key = starlark.String(s).String()
	}
	return p.parent.String() + "[" + key + "]"
}
