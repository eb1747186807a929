package pyyaml

// HashKey returns a comparable Go value that is the same for keys that Python considers equal, for callers that
// keep something beside a Map's entries.
func HashKey(key Value) any { return hashKey(key) }
