package logging

import (
	"errors"
	"net/smtp"
	"slices"
	"strings"
)

// auth chooses how to log in, as smtplib does: in the clear too, if secure does not say otherwise, which package smtp's own
// methods refuse.
func (p *postman) auth(offered []string) (smtp.Auth, error) {
	switch {
	case slices.Contains(offered, "CRAM-MD5"):
		return smtp.CRAMMD5Auth(p.user, p.password), nil
	case slices.Contains(offered, "PLAIN"):
		return plain{p.user, p.password}, nil
	case slices.Contains(offered, "LOGIN"):
		return login{p.user, p.password}, nil
	}
	return nil, refusal{errors.New("the mail server offers none of CRAM-MD5, PLAIN and LOGIN, so credentials are of no use")}
}

type plain struct{ user, password string }

func (p plain) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + p.user + "\x00" + p.password), nil
}

func (plain) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the mail server asks more than PLAIN knows")
	}
	return nil, nil
}

// login answers two questions, for the user and for the password.
type login struct{ user, password string }

func (login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (l login) Next(question []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(question)), "user"):
		return []byte(l.user), nil
	}
	return []byte(l.password), nil
}
