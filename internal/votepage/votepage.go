// Package votepage serves the page behind a vote link, /v/{token}: the public sees what a vote does and votes, without
// an account and without JavaScript. Only a POST votes. The words are neutral, and nothing comes from elsewhere.
package votepage

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stint/internal/db"
	"stint/internal/tracker"
	"stint/internal/web"
)

// Options are what the page is made of.
type Options struct {
	Tracker   *tracker.Tracker
	Log       *slog.Logger
	Proxies   web.Proxies
	PublicURL string // scheme and host under which people reach the server; "": those of the request
}

// Register adds the page to mux.
func Register(mux *http.ServeMux, o Options) {
	mux.Handle("/v/{token}", &page{o})
}

type page struct{ Options }

const (
	maxBody    = 4 << 10 // bytes
	cookieName = "vote"
	cookieLife = 400 * 24 * time.Hour // the longest that browsers keep one
)

//go:embed page.html
var pageText string

var (
	pageTemplate = template.Must(template.New("vote").Parse(pageText))
	style        = regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(pageText)[1]
	styleSum     = sha256.Sum256([]byte(style))
	policy       = "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(styleSum[:]) +
		"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p.show(w, r)
	case http.MethodPost:
		p.vote(w, r)
	default:
		h.Set("Allow", "GET, HEAD, POST")
		p.send(w, r, http.StatusMethodNotAllowed, &view{Title: "Vote", Message: "This page takes GET, HEAD and POST."})
	}
}

// show answers GET. It never votes, whatever the link carries: previews of links follow it, too.
func (p *page) show(w http.ResponseWriter, r *http.Request) {
	voter, known := p.voter(r)
	if !known {
		voter = tracker.Voter{Cookie: rand.Text()}
	}
	v, status := p.ballot(r, voter)
	if v.Ballot && !known {
		p.remember(w, r, voter.Cookie)
	}
	p.send(w, r, status, v)
}

// vote answers POST.
func (p *page) vote(w http.ResponseWriter, r *http.Request) {
	voter, known := p.voter(r)
	if p.foreign(r, known) {
		v, status := p.ballot(r, voter)
		if v.Ballot && !known {
			p.remember(w, r, rand.Text())
		}
		if status == http.StatusOK {
			status, v.Message = http.StatusForbidden, "Another page sent a vote for you. It was not counted; you can vote here."
		}
		p.send(w, r, status, v)
		return
	}
	choice, err := p.choice(w, r)
	var m *tracker.Move
	if err == nil {
		m, err = p.Tracker.Vote(r.Context(), voter, tracker.VoteRequest{Token: r.PathValue("token"), Choice: choice}, nil)
	}
	if err != nil {
		p.refuse(w, r, voter, err)
		return
	}
	v, status := p.ballot(r, voter)
	v.Choices, v.Factor, v.Voted, v.Once, v.Again = nil, "", true, m.Next.IsZero(), m.Next
	v.Title, v.Message, v.Move = "Your vote is counted", "", effect(m)
	proof := m.Draw.Proof()
	v.Proof = &proof
	p.send(w, r, status, v)
}

// voter is who visits: the browser that was given the cookie, else the address. known says whether it is the cookie.
func (p *page) voter(r *http.Request) (v tracker.Voter, known bool) {
	c, err := r.Cookie(cookieName)
	if err == nil && len(c.Value) == len(rand.Text()) && strings.Trim(c.Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" {
		return tracker.Voter{Cookie: c.Value}, true
	}
	return tracker.Voter{Address: p.Proxies.Addr(r)}, false
}

// remember gives the browser an identity for all links, so that a renewed link finds the votes of the old one. What is
// kept of it is another hash in each session.
func (p *page) remember(w http.ResponseWriter, r *http.Request, id string) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/v/", MaxAge: int(cookieLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: p.Proxies.Secure(r)})
}

// foreign says whether another site had the browser send the vote. Browsers say so in Sec-Fetch-Site, or else in Origin;
// where the page's own policy leaves that empty, the cookie tells, which only comes along from this site.
func (p *page) foreign(r *http.Request, known bool) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := r.Header.Get("Origin")
	switch origin {
	case "":
		return false
	case "null":
		return !known
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host && origin != p.PublicURL
}

// choice reads the form.
func (p *page) choice(w http.ResponseWriter, r *http.Request) (tracker.Choice, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return "", &web.Error{Status: http.StatusUnsupportedMediaType, Detail: "The vote could not be read: it must be a form."}
	}
	body, err := web.ReadBody(w, r, maxBody)
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", &web.Error{Status: http.StatusBadRequest, Detail: "The vote could not be read: the form is malformed."}
	}
	choice, _ := tracker.ParseChoice(form.Get("choice"))
	return choice, nil // the domain refuses what is none
}

// refuse shows why a vote was not counted.
func (p *page) refuse(w http.ResponseWriter, r *http.Request, voter tracker.Voter, err error) {
	v, status := p.ballot(r, voter)
	var rule *tracker.Error
	var door *web.Error
	switch {
	case status != http.StatusOK:
	case errors.As(err, &door):
		status, v.Message = door.Status, door.Detail
	case !errors.As(err, &rule):
		v, status = p.failed(r, err)
	case rule.Code == tracker.AlreadyVoted:
		status, v.Message = http.StatusTooManyRequests, "You had voted before. This vote was not counted."
	case rule.Code == tracker.RateLimited:
		status, v.Choices, v.Again = http.StatusTooManyRequests, nil, rule.RetryAt
		v.Message = "More votes came in this hour than are taken. Yours was not counted."
	case rule.Code == tracker.Validation:
		status, v.Message = http.StatusBadRequest, "That choice is not open. Your vote was not counted."
	default:
		status = http.StatusConflict
		if v.Message == "" {
			v.Message = "The vote could not be counted."
		}
	}
	if rule != nil && !rule.RetryAt.IsZero() {
		wait := rule.RetryAt.Sub(p.Tracker.Now())
		w.Header().Set("Retry-After", strconv.FormatInt(max(1, int64((wait+time.Second-1)/time.Second)), 10))
	}
	p.send(w, r, status, v)
}

func (p *page) failed(r *http.Request, err error) (*view, int) {
	if r.Context().Err() == nil {
		p.Log.Error("internal error", "route", r.Pattern, "error", err)
	}
	status := http.StatusInternalServerError
	if errors.Is(err, db.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	return &view{Title: "Vote", Message: "Something went wrong here. Please try again later."}, status
}

func (p *page) send(w http.ResponseWriter, r *http.Request, status int, v *view) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		p.Log.Error("vote page", "error", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(b.Bytes())
	}
}
