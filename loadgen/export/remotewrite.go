package export

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/exp/api/remote"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// RemoteWrite is a receiver of Prometheus remote write, such as Prometheus with
// --web.enable-remote-write-receiver, Mimir, Thanos or VictoriaMetrics.
type RemoteWrite struct {
	api    *remote.API
	client *http.Client
	name   string
}

// NewRemoteWrite returns the receiver at a URL, which may hold a name and a password. Without a
// path it is that of Prometheus, /api/v1/write. A token that is not "" is sent as bearer token.
// Headers are written as 'Name: value'.
func NewRemoteWrite(address, token string, headers []string) (*RemoteWrite, error) {
	u, err := receiverURL(address)
	if err != nil {
		return nil, err
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/api/v1/write"
	}
	added := http.Header{}
	if token != "" {
		added.Set("Authorization", "Bearer "+token)
	}
	for _, line := range headers {
		name, value, err := ParseHeader(line)
		if err != nil {
			return nil, err
		}
		added.Add(name, value)
	}
	w := &RemoteWrite{client: newClient(added, nil), name: "remote write " + dial.HideURL(u.String())}
	w.api, err = remote.NewAPI(u.String(), remote.WithAPIPath(""), remote.WithAPIHTTPClient(w.client))
	return w, err
}

// Name returns "remote write" and the URL.
func (w *RemoteWrite) Name() string { return w.name }

// Close closes idle connections.
func (w *RemoteWrite) Close() { w.client.CloseIdleConnections() }

// Send sends a sample. The client would retry by itself; the queue does that with the next
// sample, so the first retry ends the call.
func (w *RemoteWrite) Send(ctx context.Context, s Sample) error {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	var passing error
	_, err := w.api.Write(ctx, remote.WriteV1MessageType, encoded(encodeWrite(&s)), remote.WithWriteRetryCallback(func(err error) {
		passing = err
		cancel()
	}))
	switch {
	case err == nil:
		return nil
	case passing != nil:
		return fmt.Errorf("%s", shortened(passing))
	case ctx.Err() != nil:
		return fmt.Errorf("%s", shortened(err))
	}
	return fmt.Errorf("%w: %s", ErrRefused, shortened(err))
}

// encoded is a message that is encoded already, in the form that the client takes.
type encoded []byte

// Size returns its length.
func (m encoded) Size() int { return len(m) }

// MarshalToSizedBuffer copies it.
func (m encoded) MarshalToSizedBuffer(b []byte) (int, error) { return copy(b, m), nil }

// Fields of the messages WriteRequest, TimeSeries, Label and Sample of version 1.
const (
	fieldSeries       = 1
	fieldLabels       = 1
	fieldSamples      = 2
	fieldName         = 1
	fieldText         = 2
	fieldValue        = 1
	fieldMilliseconds = 2
)

// encodeWrite returns a sample as a WriteRequest. The package that has this message,
// prometheus/prompb, would bring in the module of the Prometheus server.
func encodeWrite(s *Sample) []byte {
	var b []byte
	s.Each(func(name string, labels []Label, value float64) {
		labels = append(slices.Clone(labels), Label{"__name__", name}, Label{"job", job})
		slices.SortFunc(labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
		var series []byte
		for _, l := range labels {
			if l.Value == "" {
				continue // it would be the same as none
			}
			label := protowire.AppendString(protowire.AppendTag(nil, fieldName, protowire.BytesType), l.Name)
			label = protowire.AppendString(protowire.AppendTag(label, fieldText, protowire.BytesType), l.Value)
			series = protowire.AppendBytes(protowire.AppendTag(series, fieldLabels, protowire.BytesType), label)
		}
		sample := protowire.AppendFixed64(protowire.AppendTag(nil, fieldValue, protowire.Fixed64Type), math.Float64bits(value))
		sample = protowire.AppendVarint(protowire.AppendTag(sample, fieldMilliseconds, protowire.VarintType), uint64(s.At.UnixMilli()))
		series = protowire.AppendBytes(protowire.AppendTag(series, fieldSamples, protowire.BytesType), sample)
		b = protowire.AppendBytes(protowire.AppendTag(b, fieldSeries, protowire.BytesType), series)
	})
	return b
}
