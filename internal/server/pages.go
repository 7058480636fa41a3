package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"

	"stint/api"
	"stint/internal/club"
	"stint/internal/web"
)

const readyTimeout = 2 * time.Second

// registerPages adds what belongs to the whole server.
func (h *house) registerPages() error {
	versions, err := json.Marshal(map[string][]int{"versions": h.versions})
	if err != nil {
		return err
	}
	answer := web.NewAnswer("application/json", versions)
	h.page("/api/versions", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Expose-Headers", "Date, ETag, X-Request-Id")
		w.Header().Set("Vary", "Authorization, Cookie, Origin")
		answer.Serve(w, r)
	})
	h.page("/healthz", func(w http.ResponseWriter, r *http.Request) { ok(w) })
	h.page("/readyz", h.ready)
	h.page("/{$}", h.home)
	h.page("/docs/api/openapi.yaml", web.NewAnswer("application/yaml", api.Document).Serve)
	docs, err := docsPage()
	if err != nil {
		return err
	}
	h.page("/docs/api/", docs)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		web.Problem(w, &web.Error{Status: http.StatusNotFound, Detail: "There is nothing at this path."})
	})
	return nil
}

// page adds a route for GET and HEAD that any web page may read.
func (h *house) page(pattern string, serve http.HandlerFunc) {
	h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("X-Content-Type-Options", "nosniff")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			serve(w, r)
		case http.MethodOptions:
			web.Preflight(w)
		default:
			web.Problem(w, web.MethodNotAllowed("GET, HEAD, OPTIONS"))
		}
	})
}

func ok(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write([]byte("ok\n"))
}

// ready says whether the database answers.
func (h *house) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- h.db.Ping(ctx) }()
	select {
	case err := <-answer:
		if err == nil {
			ok(w)
			return
		}
		h.log.Warn("the database does not answer", "error", err)
	case <-ctx.Done():
	}
	web.Problem(w, &web.Error{Status: http.StatusServiceUnavailable, Detail: "The database does not answer.",
		Header: http.Header{"Retry-After": {"5"}}})
}

//go:embed home.html
var homeText string

var (
	homePage   = template.Must(template.New("home").Parse(homeText))
	homePolicy = "style-src " + hashes(homeText, "style")
)

// home shows what this server is, and of the club what is public.
func (h *house) home(w http.ResponseWriter, r *http.Request) {
	var view struct {
		Club, Open bool
		Since      time.Time
	}
	if h.club != nil {
		status, since := h.club.PublicStatus()
		view.Club, view.Open, view.Since = true, status == club.Public, time.Unix(since, 0).UTC()
	}
	var b bytes.Buffer
	if err := homePage.Execute(&b, view); err != nil {
		h.log.Error("home page", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	secure(w, homePolicy)
	web.NewAnswer("text/html; charset=utf-8", b.Bytes()).Serve(w, r)
}

// docsPage shows the contract with Swagger UI, all of it from this program.
func docsPage() (http.HandlerFunc, error) {
	files := v5emb.NewHandlerWithConfig(swgui.Config{Title: "Stint API", SwaggerJSON: "/docs/api/openapi.yaml", BasePath: "/docs/api/"})
	r, err := http.NewRequest(http.MethodGet, "/docs/api/", nil)
	if err != nil {
		return nil, err
	}
	var made body
	files.ServeHTTP(&made, r)
	page := web.NewAnswer("text/html; charset=utf-8", made.Bytes())
	allowed := "script-src 'self' " + hashes(made.String(), "script") +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
	return func(w http.ResponseWriter, r *http.Request) {
		secure(w, allowed)
		if r.URL.Path == "/docs/api/" {
			page.Serve(w, r)
			return
		}
		files.ServeHTTP(w, r)
	}, nil
}

// body collects what a handler answers.
type body struct{ bytes.Buffer }

func (*body) Header() http.Header { return http.Header{} }
func (*body) WriteHeader(int)     {}

// secure forbids a page everything that its policy does not name.
func secure(w http.ResponseWriter, policy string) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "+policy)
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// hashes names the elements of a page that stand in the page itself, for its
// security policy.
func hashes(page, element string) string {
	var list []string
	for _, found := range regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(page, -1) {
		sum := sha256.Sum256([]byte(found[1]))
		list = append(list, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return strings.Join(list, " ")
}
