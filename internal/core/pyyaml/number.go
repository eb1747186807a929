package pyyaml

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxIntDigits is how many decimal digits an integer may have. Python refuses to read or write longer ones
// (sys.int_info.default_max_str_digits), and the work of converting them grows faster than their length.
const maxIntDigits = 4300

var (
	errInt     = errors.New("not an integer")
	errLongInt = fmt.Errorf("integer of more than %d digits", maxIntDigits)
	errFloat   = errors.New("not a number")
)

// makeInt is PyYAML's construct_yaml_int.
func makeInt(s string) (Value, error) {
	if i, ok := shortInt(s); ok {
		return i, nil
	}
	s = strings.ReplaceAll(s, "_", "")
	digits := unsigned(s)
	if digits == "" {
		return nil, errInt
	}
	if len(digits) > 4*maxIntDigits {
		return nil, errLongInt // before any arithmetic: what follows is quadratic in the length
	}
	var n *big.Int
	var ok bool
	switch {
	case strings.HasPrefix(digits, "0b"):
		n, ok = parseDigits(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		n, ok = parseDigits(digits[2:], 16)
	case digits[0] == '0':
		n, ok = parseDigits(digits, 8)
	case strings.Contains(digits, ":"):
		n, ok = parseSixties(digits)
	default:
		n, ok = parseDigits(digits, 10)
	}
	if !ok {
		return nil, errInt
	}
	if len(n.Text(10)) > maxIntDigits {
		return nil, errLongInt
	}
	if s[0] == '-' {
		n.Neg(n)
	}
	return fitInt(n), nil
}

// shortInt reads what nearly every integer is: a few decimal digits.
func shortInt(s string) (int64, bool) {
	digits := unsigned(s)
	if digits == "" || len(digits) > 18 || (digits[0] == '0' && len(digits) > 1) {
		return 0, false
	}
	var n int64
	for i := 0; i < len(digits); i++ {
		if !isDigit(digits[i]) {
			return 0, false
		}
		n = 10*n + int64(digits[i]-'0')
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

func parseDigits(s string, base int) (*big.Int, bool) {
	if s == "" || s[0] == '-' || s[0] == '+' {
		return nil, false
	}
	return new(big.Int).SetString(s, base)
}

// parseSixties reads 190:20:30, which is 190*3600 + 20*60 + 30.
func parseSixties(s string) (*big.Int, bool) {
	sum, sixty := new(big.Int), big.NewInt(60)
	for part := range strings.SplitSeq(s, ":") {
		n, ok := parseDigits(part, 10)
		if !ok {
			return nil, false
		}
		sum.Add(sum.Mul(sum, sixty), n)
	}
	return sum, true
}

// fitInt keeps the promise of Value that a *big.Int never fits an int64.
func fitInt(n *big.Int) Value {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// makeFloat is PyYAML's construct_yaml_float.
func makeFloat(s string) (Value, error) {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	digits := unsigned(s)
	if digits == "" {
		return nil, errFloat
	}
	sign := 1.0
	if s[0] == '-' {
		sign = -1
	}
	switch {
	case digits == ".inf":
		return math.Inf(int(sign)), nil
	case digits == ".nan":
		return math.NaN(), nil
	case strings.Contains(digits, ":"):
		f, err := floatSixties(digits)
		return sign * f, err
	}
	f, err := pythonFloat(digits)
	return sign * f, err
}

// floatSixties adds up from the right, as PyYAML does, so that rounding is the same.
func floatSixties(s string) (float64, error) {
	parts := strings.Split(s, ":")
	const most = 174 // 60 to a higher power is no float, which is an OverflowError in Python
	if len(parts) > most {
		return 0, errFloat
	}
	sum, base, sixty := 0.0, big.NewInt(1), big.NewInt(60)
	for i := len(parts) - 1; i >= 0; i-- {
		f, err := pythonFloat(parts[i])
		if err != nil {
			return 0, err
		}
		b, _ := new(big.Float).SetInt(base).Float64()
		sum += f * b
		base.Mul(base, sixty)
	}
	return sum, nil
}

// pythonFloat is Python's float(s) for lower case s: no hexadecimal, and too large is infinite.
func pythonFloat(s string) (float64, error) {
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "xp_") {
		return 0, errFloat
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errFloat
	}
	return f, nil
}

// appendFloatRepr appends Python's repr of f.
func appendFloatRepr(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}
