package workers

import (
	"context"
	"time"

	"nowcast/internal/core/pyyaml"
)

// lookup follows keys into a value and returns what is there as plain data, nil if nothing is.
func lookup(v pyyaml.Value, keys []any) any {
	for _, key := range keys {
		switch at := v.(type) {
		case *pyyaml.Map:
			k, err := toYAML(key, "the key", 0)
			if err != nil {
				return nil
			}
			v, _ = at.Get(k)
		case []pyyaml.Value:
			i, ok := key.(int)
			if !ok || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return fromYAML(v)
}

// sleepFor waits, unless ctx ends.
func sleepFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
