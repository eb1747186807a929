package logging

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// errNobody is what a fakeCarrier says while its server is away.
var errNobody = errors.New("nobody there")

// fakeCarrier takes records to a server that answers with what carry returns for the number of the attempt.
type fakeCarrier struct {
	server   func(ctx context.Context, attempt int) error
	begin    time.Time
	attempts []time.Duration // since begin
	taken    []string
	hungUp   bool
}

func (f *fakeCarrier) compose(r *record) []byte { return []byte(r.message) }
func (f *fakeCarrier) hangUp()                  { f.hungUp = true }

func (f *fakeCarrier) carry(ctx context.Context, item []byte) error {
	f.attempts = append(f.attempts, time.Since(f.begin))
	err := f.server(ctx, len(f.attempts))
	if err == nil {
		f.taken = append(f.taken, string(item))
	}
	return err
}

// withCourier runs a test in a bubble with a clock of its own. The texts are what was said about trouble.
func withCourier(t *testing.T, server func(ctx context.Context, attempt int) error, test func(*testing.T, *courier, *fakeCarrier, *[]string)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeCarrier{server: server, begin: time.Now()}
		var said []string
		c := newCourier(f, &trouble{what: "mail", say: func(_ int, text string) { said = append(said, text) }})
		test(t, c, f, &said)
	})
}

func TestACourierComesBackWithGrowingWaits(t *testing.T) {
	server := func(_ context.Context, attempt int) error {
		if attempt < 8 {
			return errNobody
		}
		return nil
	}
	withCourier(t, server, func(t *testing.T, c *courier, f *fakeCarrier, said *[]string) {
		c.emit(&record{message: "one"})
		c.emit(&record{message: "two"})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"one", "two"}, f.taken); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		s := time.Second
		if diff := cmp.Diff([]time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s, 31 * s, 61 * s, 91 * s, 91 * s}, f.attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if err := c.close(); err != nil || !f.hungUp || len(*said) > 0 {
			t.Errorf("got error %v, hung up %v, said %q; want no trouble and the connection ended", err, f.hungUp, *said)
		}
	})
}

func TestACouriersPatienceEnds(t *testing.T) {
	server := func(_ context.Context, attempt int) error {
		if attempt < 17 {
			return errNobody
		}
		return nil
	}
	withCourier(t, server, func(t *testing.T, c *courier, f *fakeCarrier, said *[]string) {
		c.emit(&record{message: "one"})
		time.Sleep(2 * patience)
		c.emit(&record{message: "two"})
		time.Sleep(2 * patience)
		synctest.Wait()
		if diff := cmp.Diff([]string{"two"}, f.taken); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"mail cannot be written, so log records are missing from it: nobody there", "mail can be written again; 1 records are not in it"}, *said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
		_ = c.close()
	})
}

func TestACourierDoesNotRepeatWhatIsRefused(t *testing.T) {
	server := func(context.Context, int) error { return refusal{errNobody} }
	withCourier(t, server, func(t *testing.T, c *courier, f *fakeCarrier, said *[]string) {
		c.emit(&record{message: "one"})
		time.Sleep(patience)
		synctest.Wait()
		if len(f.attempts) != 1 || len(*said) != 1 {
			t.Errorf("got %d attempts and said %q, want one of each", len(f.attempts), *said)
		}
		_ = c.close()
	})
}

func TestWhoLogsDoesNotWaitForAServerThatHangsAndNeitherDoesTheEnd(t *testing.T) {
	server := func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}
	withCourier(t, server, func(t *testing.T, c *courier, f *fakeCarrier, said *[]string) {
		for range courierQueue + 11 {
			c.emit(&record{message: "m"})
			synctest.Wait()
		}
		if took := time.Since(f.begin); took != 0 {
			t.Errorf("got %v until all was logged, want no wait", took)
		}
		if diff := cmp.Diff([]string{"mail cannot be written, so log records are missing from it: " + errFull.Error()}, *said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(f.begin); took != closeWithin {
			t.Errorf("got %v for the end, want %v", took, closeWithin)
		}
		want(t, "last words", (*said)[len(*said)-1], "mail is closed; 1011 records are not in it")
	})
}

func TestWhatIsQueuedAtTheEndIsStillSent(t *testing.T) {
	withCourier(t, func(context.Context, int) error { return nil }, func(t *testing.T, c *courier, f *fakeCarrier, _ *[]string) {
		for _, m := range []string{"a", "b", "c"} {
			c.emit(&record{message: m})
		}
		_ = c.close()
		if diff := cmp.Diff([]string{"a", "b", "c"}, f.taken); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
	})
}
