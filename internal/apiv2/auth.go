package apiv2

import (
	"errors"
	"net/http"
	"strings"

	"stint/internal/account"
	"stint/internal/web"
)

// admit finds out who asks and whether they may (readings, "Doors"). A token stands in the Authorization header and
// nowhere else.
func (a *API) admit(c *call, needs account.TokenScope) error {
	if a.RequireHTTPS && !a.Proxies.Private(c.Request) {
		return &web.Error{Status: http.StatusForbidden, Code: "https_required",
			Detail: "Tokens are refused over plain HTTP, because everybody on the way can read them; use https://."}
	}
	secret, err := bearer(c.Header["Authorization"])
	if err != nil {
		return err
	}
	if c.who, err = a.check(c, secret); err != nil {
		return err
	}
	if needs == account.TokenWrite && c.who.Scope != account.TokenWrite {
		return &web.Error{Status: http.StatusForbidden, Code: "forbidden",
			Detail: "This token may only read; the request needs one with the scope write."}
	}
	return nil
}

// check says for whom the secret speaks. The limit on failures only concerns secrets that were found wrong, so a token
// that holds is never held up by somebody at the same address who guesses.
func (a *API) check(c *call, secret string) (account.Caller, error) {
	who, err := a.Accounts.CheckToken(c.Context(), secret)
	if !errors.Is(err, account.ErrUnauthorized) {
		return who, err
	}
	from := a.Proxies.Addr(c.Request)
	if err := a.Failures.Check(from); err != nil {
		return who, err
	}
	a.Failures.Failed(from)
	return who, unauthorized("The token is unknown, or it has expired or was revoked.")
}

func bearer(values []string) (secret string, err error) {
	if len(values) == 0 {
		return "", unauthorized("A token is missing; send the header Authorization: Bearer TOKEN.")
	}
	scheme, secret, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", unauthorized("The Authorization header can't be read; Bearer and one token are expected.")
	}
	return strings.TrimSpace(secret), nil
}

func unauthorized(detail string) *web.Error {
	return &web.Error{Status: http.StatusUnauthorized, Code: "unauthorized", Detail: detail,
		Header: http.Header{"Www-Authenticate": {"Bearer"}}}
}
