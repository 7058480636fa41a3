package apiv0

import (
	"errors"
	"net/http"
	"net/url"

	"stint/internal/account"
	"stint/internal/web"
)

// caller is who asks: a member with some rights, or the public.
type caller struct {
	member bool
	scope  account.Scope
	query  url.Values
	until  <-chan struct{} // closed when the password is revoked; nil without one
}

// view is what the caller sees.
func (c caller) view() view {
	if c.member {
		return memberView
	}
	return publicView
}

// caller finds out who asks (readings, "Authentication" and "Which request is
// public?"). Wrong credentials are refused, never answered with the public view.
func (a *API) caller(r *http.Request) (caller, error) {
	var c caller
	if r.URL.RawQuery != "" {
		var err error
		if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
			return c, web.BadRequest("", "The query string is malformed.")
		}
	}
	credentials := r.Header["Authorization"]
	switch {
	case c.query.Has("public"):
		return c, nil
	case a.Open:
		c.member, c.scope = true, account.All
		return c, nil
	case len(credentials) == 0 && a.Challenge:
		return c, unauthorized("This server asks everybody for a password; add ?public to see what is public.")
	case len(credentials) == 0:
		return c, nil
	}
	password, err := a.password(r)
	if err != nil {
		return c, err
	}
	c.member, c.scope, c.until = true, password.Scope, password.Revoked
	if r.Method != http.MethodPut && !c.scope.Has(account.Read) {
		return c, forbidden(c.scope, account.Read)
	}
	return c, nil
}

func (a *API) password(r *http.Request) (account.Password, error) {
	_, secret, ok := r.BasicAuth()
	if !ok {
		return account.Password{}, unauthorized("The Authorization header can't be read; HTTP Basic is expected, with any user name and a password of this club.")
	}
	if p, ok := a.Accounts.RecallPassword(secret); ok {
		return p, nil
	}
	from := a.Proxies.Addr(r)
	if err := a.Failures.Check(from); err != nil {
		return account.Password{}, err
	}
	p, err := a.Accounts.CheckPassword(r.Context(), secret)
	if errors.Is(err, account.ErrUnauthorized) {
		a.Failures.Failed(from)
		return p, unauthorized("The password is wrong, or it was revoked.")
	}
	return p, err
}

// unauthorized is a 401 that makes a browser ask for a password.
func unauthorized(detail string) *web.Error {
	return &web.Error{Status: http.StatusUnauthorized, Detail: detail,
		Header: http.Header{"Www-Authenticate": {`Basic realm="Stint", charset="UTF-8"`}}}
}

// notPublic refuses the public what only members may have (document, "Public
// API").
func notPublic(what string) *web.Error {
	return unauthorized(what + " is for members; send a password of this club with HTTP Basic.")
}

func forbidden(has, needs account.Scope) *web.Error {
	return &web.Error{Status: http.StatusForbidden,
		Detail: "This password's scope is " + has.String() + "; this request needs " + needs.String() + " or all."}
}
