package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

var (
	//go:embed operator.html
	operatorHTML string
	//go:embed operator.css
	operatorCSS string
)

// operator serves the pages for people. They need no script.
type operator struct {
	hub      *hub.Hub
	drain    func() // nil if there is no button for it
	restart  []string
	reading  chan struct{} // one value for each page that reads all sessions
	version  string
	formKey  string // that each form sends, so that only these pages can
	origin   *http.CrossOriginProtection
	template *template.Template
}

// readingAtOnce bounds the pages that read all sessions at once, because each reads every one.
const readingAtOnce = 2

// pageWriteTimeout bounds the time in which a browser takes a page.
const pageWriteTimeout = 10 * time.Second

func newOperator(h *hub.Hub, cfg PrivateConfig) *operator {
	version, _ := build()
	o := &operator{
		hub: h, drain: cfg.Drain, restart: cfg.Restart, reading: make(chan struct{}, readingAtOnce),
		version: version, formKey: rand.Text(), origin: http.NewCrossOriginProtection(),
	}
	o.template = template.Must(template.New("").Funcs(template.FuncMap{
		"text": foreignText, "ago": timeText, "rate": rateText,
		"bytes": func(n any) string { return bytesText(whole(n)) },
		"count": func(n any) string { return countText(whole(n)) },
		"means": func(reason string) string { return meanings[reason] },
		"per":   func(n int64, seconds float64) float64 { return float64(n) / seconds },
		"age":   func(now time.Time, s hub.SessionInfo) float64 { return age(now, &s) },
		"utc":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"list":  func(now time.Time, ends []hub.End) endsList { return endsList{now, ends} },
		"peers": func(now time.Time, s []hub.SessionInfo) peersList { return peersList{now, s} },
	}).Parse(operatorHTML))
	return o
}

// whole returns an integer of any type.
func whole(n any) int64 {
	v := reflect.ValueOf(n)
	if v.CanUint() {
		return int64(v.Uint())
	}
	return v.Int()
}

// endsList and peersList are what the tables of ends and of peers are made of.
type (
	endsList struct {
		Now  time.Time
		Ends []hub.End
	}
	peersList struct {
		Now   time.Time
		Peers []hub.SessionInfo
	}
)

func (o *operator) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", o.overview)
	mux.HandleFunc("GET /peers", o.search)
	mux.HandleFunc("GET /peers/{id}", o.peer)
	mux.HandleFunc("POST /disconnect", o.disconnect)
	mux.HandleFunc("POST /drain", o.drainHub)
	mux.HandleFunc("GET /operator.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		io.WriteString(w, operatorCSS)
	})
}

// frame is what all pages show.
type frame struct {
	Title   string
	Now     time.Time
	Refresh int    // seconds, 0 for never
	Follow  string // the address of this page with Refresh, or without if it has it
	FormKey string
	MayAct  bool // the request has the operator's token
}

// Seconds between two views of a page that follows, and of one that shows what is about to end.
const (
	refreshEvery = 10
	refreshSoon  = 2
)

func (o *operator) frame(r *http.Request, title string, now time.Time) frame {
	f := frame{Title: title, Now: now, FormKey: o.formKey, MayAct: authorized(r)}
	query := url.Values{}
	for _, name := range []string{"sort", "q"} {
		if v := r.FormValue(name); v != "" {
			query.Set(name, v[:min(len(v), longestQuery)])
		}
	}
	if r.FormValue("follow") == "" {
		query.Set("follow", "1")
	} else {
		f.Refresh = refreshEvery
	}
	f.Follow = r.URL.Path + "?" + query.Encode()
	return f
}

// enter waits until few other pages read all sessions. It reports false if the browser has gone.
func (o *operator) enter(w http.ResponseWriter, r *http.Request) bool {
	ctx, cancel := context.WithTimeout(r.Context(), pageWriteTimeout)
	defer cancel()
	select {
	case o.reading <- struct{}{}:
		return true
	case <-ctx.Done():
		http.Error(w, "Too many pages are being made. Reload this one.", http.StatusServiceUnavailable)
		return false
	}
}

func (o *operator) leave() { <-o.reading }

// write makes the page, then sends it.
func (o *operator) write(w http.ResponseWriter, status int, name string, view any) {
	var page bytes.Buffer
	if err := o.template.ExecuteTemplate(&page, name, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	head.Set("X-Frame-Options", "DENY")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageWriteTimeout)) // fails in tests without a connection
	w.WriteHeader(status)
	page.WriteTo(w)
}
