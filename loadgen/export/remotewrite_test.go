package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// writeRequest describes the message of remote write 1.0, as in its specification.
const writeRequest = `
name: "remote.proto" package: "prometheus" syntax: "proto3"
message_type { name: "WriteRequest" field { name: "timeseries" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".prometheus.TimeSeries" } }
message_type { name: "TimeSeries"
  field { name: "labels" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".prometheus.Label" }
  field { name: "samples" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".prometheus.Sample" } }
message_type { name: "Label" field { name: "name" number: 1 type: TYPE_STRING } field { name: "value" number: 2 type: TYPE_STRING } }
message_type { name: "Sample" field { name: "value" number: 1 type: TYPE_DOUBLE } field { name: "timestamp" number: 2 type: TYPE_INT64 } }
`

// writes is a receiver of remote write that keeps what arrives. The handler of the client's
// library checks headers and decompresses, and the protobuf library decodes.
type writes struct {
	t      *testing.T
	header http.Header
	series map[string]float64
	at     int64
}

func (w *writes) Store(r *http.Request, _ remote.WriteMessageType) (*remote.WriteResponse, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(writeRequest), &file); err != nil {
		return nil, err
	}
	d, err := protodesc.NewFile(&file, nil)
	if err != nil {
		return nil, err
	}
	m := dynamicpb.NewMessage(d.Messages().ByName("WriteRequest"))
	if err := (proto.UnmarshalOptions{DiscardUnknown: false}).Unmarshal(body, m); err != nil {
		return nil, err
	}
	if len(m.GetUnknown()) > 0 {
		return nil, errors.New("unknown fields")
	}
	w.header, w.series = r.Header, map[string]float64{}
	field := func(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
		return m.Get(m.Descriptor().Fields().ByName(name))
	}
	list := field(m, "timeseries").List()
	for i := range list.Len() {
		series := list.Get(i).Message()
		labels, samples, name, last := field(series, "labels").List(), field(series, "samples").List(), "", ""
		for k := range labels.Len() {
			l := labels.Get(k).Message()
			if field(l, "name").String() <= last || field(l, "value").String() == "" {
				w.t.Errorf("label %v follows %q", l, last)
			}
			last = field(l, "name").String()
			name += fmt.Sprintf("{%s=%s}", last, field(l, "value"))
		}
		if samples.Len() != 1 {
			w.t.Errorf("%s has %d samples", name, samples.Len())
		}
		w.series[name], w.at = field(samples.Get(0).Message(), "value").Float(), field(samples.Get(0).Message(), "timestamp").Int()
	}
	return nil, nil
}

func TestRemoteWrite(t *testing.T) {
	t.Parallel()
	w := &writes{t: t}
	server := httptest.NewServer(remote.NewWriteHandler(w, remote.MessageTypes{remote.WriteV1MessageType}))
	defer server.Close()
	sink, err := NewRemoteWrite(strings.Replace(server.URL, "://", "://me:hush@", 1)+"/api/v1/write", "", []string{"X-Scope-OrgID: 7"})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	sample := Final(time.Now(), new(someResult()))
	if err := sink.Send(t.Context(), sample); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	sample.Each(func(name string, labels []Label, v float64) {
		all := "{__name__=" + name + "}"
		rest := map[string]string{"job": "loadgen"}
		for _, l := range labels {
			rest[l.Name] = l.Value
		}
		for _, l := range []string{"hop", "job", "le", "number", "outcome", "phase", "profile", "run", "scenario", "target"} {
			if v, ok := rest[l]; ok {
				all += fmt.Sprintf("{%s=%s}", l, v)
			}
		}
		want[all] = v
	})
	for name, v := range want {
		if got, ok := w.series[name]; !ok || math.Float64bits(got) != math.Float64bits(v) {
			t.Errorf("%s is %v, want %v", name, got, v)
		}
	}
	if len(w.series) != len(want) || w.at != sample.At.UnixMilli() {
		t.Errorf("%d series at %d, want %d at %d", len(w.series), w.at, len(want), sample.At.UnixMilli())
	}
	if user, password, _ := (&http.Request{Header: w.header}).BasicAuth(); user != "me" || password != "hush" || w.header.Get("X-Scope-OrgID") != "7" || w.header.Get("User-Agent") != "loadgen" {
		t.Errorf("headers %v", w.header)
	}
	if strings.Contains(sink.Name(), "hush") || !strings.HasSuffix(sink.Name(), "/api/v1/write") {
		t.Errorf("the name is %s", sink.Name())
	}
}

// receivers are servers that do not take what they are sent. refuses says that they never will.
var receivers = []struct {
	name    string
	answer  http.HandlerFunc
	refuses bool
	says    string
}{
	{"bad request", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order sample", http.StatusBadRequest)
	}, true, "out of order sample"},
	{"no access", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such token", http.StatusUnauthorized) }, true, "401 Unauthorized"},
	{"not there", http.NotFound, true, "404 Not Found"},
	{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, true, "302 Found"},
	{"too many", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	}, false, "429 Too Many Requests"},
	{"overloaded", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) }, false, "503 Service Unavailable"},
	{"an answer without end", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for _, err := w.Write(make([]byte, 1024)); err == nil; _, err = w.Write(make([]byte, 1024)) {
		}
	}, false, "500 Internal Server Error"},
	{"the end of the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, "EOF"},
}

// checkErrors sends a sample to each of receivers, and to no one.
func checkErrors(t *testing.T, connect func(url string) (Sink, error)) {
	for _, tt := range receivers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			sink, err := connect(strings.Replace(server.URL, "://", "://me:hush@", 1))
			if err != nil {
				t.Fatal(err)
			}
			defer sink.Close()
			err = sink.Send(t.Context(), Final(time.Now(), new(someResult())))
			if err == nil || errors.Is(err, ErrRefused) != tt.refuses || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hush") || len(err.Error()) > 400 {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("no one", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		sink, err := connect(strings.Replace(server.URL, "://", "://me:hush@", 1))
		if err != nil {
			t.Fatal(err)
		}
		if err = sink.Send(t.Context(), Sample{}); err == nil || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "hush") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRemoteWriteErrors(t *testing.T) {
	t.Parallel()
	checkErrors(t, func(url string) (Sink, error) { return NewRemoteWrite(url, "", nil) })
}

// badURLs are no URLs of receivers. Their errors do not show the password.
var badURLs = []string{"localhost:9090", "ws://me:hush@localhost", "http://", "http://me:hush@[", "http:/path"}

func TestRemoteWriteURL(t *testing.T) {
	t.Parallel()
	for _, bad := range badURLs {
		if _, err := NewRemoteWrite(bad, "", nil); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"hush", "A B: hush", "A: hush\r\nB: c", ": hush", "a=hush"} {
		if _, err := NewRemoteWrite("http://localhost", "", []string{bad}); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("header %q: %v", bad, err)
		}
	}
	for url, want := range map[string]string{"http://a:1": "http://a:1/api/v1/write", "https://a/": "https://a/api/v1/write", "https://a/api/prom/push": "https://a/api/prom/push"} {
		if w, err := NewRemoteWrite(url, "", nil); err != nil || w.Name() != "remote write "+want {
			t.Errorf("%s: %v, %v", url, w, err)
		}
	}
}
