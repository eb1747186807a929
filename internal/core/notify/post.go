package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

var errStopped = errors.New("the manager was stopped first")

// answer is what is to be done about an attempt that was in vain.
type answer struct {
	final      bool          // another attempt would end the same way
	retryAfter time.Duration // how long the other side wants to be left alone
}

// post makes one attempt. The error does not contain the URL.
func post(ctx context.Context, client *http.Client, webhook string, body []byte) (answer, error) {
	return request(ctx, client, http.MethodPost, webhook, body, map[string]string{"Content-Type": "application/json"}, "the webhook's settings in Slack")
}

// request makes one attempt. settings is where to look when the other side does not want it.
func request(ctx context.Context, client *http.Client, method, to string, body []byte, header map[string]string, settings string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return answer{final: true}, withoutURL(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again; what it says changes nothing
	code := response.StatusCode
	err = fmt.Errorf("the answer was %d %s", code, http.StatusText(code))
	switch {
	case code < 300:
		return answer{}, nil
	case code < 400:
		return answer{final: true}, fmt.Errorf("%w, a redirection that would lose the message: set the variable to the new URL", err)
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return answer{retryAfter: retryAfter(response.Header.Get("Retry-After"))}, err
	}
	return answer{final: true}, fmt.Errorf("%w: look at %s", err, settings)
}

// retryAfter reads the header, which has seconds or a date; 0 if it has neither.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}

// withoutURL takes the secret out of an error of net/http.
func withoutURL(err error) error {
	for e := (*url.Error)(nil); errors.As(err, &e); {
		err = e.Err
	}
	return err
}
