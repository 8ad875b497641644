package report

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// SARIF writes the leaks in the Static Analysis Results Interchange Format 2.1.0. Code hosts
// show them at their lines and recognise a leak of an earlier run by its fingerprint.
func SARIF(w io.Writer, v verdict.Verdict) error {
	return writeSARIF(w, sarifRun{
		Automation:  sarifAutomation{cmp.Or(v.Run.Name, "leaks") + "/"},
		Invocations: []sarifInvocation{newSARIFInvocation(&v)},
		Results:     sarifResults(&v),
		Properties:  map[string]any{"outcome": v.Outcome, "seed": v.Run.Seed, "commit": v.Run.Commit, "smallestLeak": v.Sensitivity.String()},
	})
}

func writeSARIF(w io.Writer, run sarifRun) error {
	run.Tool = sarifTool{sarifDriver{Name: "pigeonhub-leaks", InformationURI: "https://github.com/pigeonhub/pigeonhub", Rules: sarifRules()}}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  sarifAutomation   `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Short sarifText `json:"shortDescription"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	CommandLine   string              `json:"commandLine,omitempty"`
	Start         string              `json:"startTimeUtc"`
	End           string              `json:"endTimeUtc"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Kind         string             `json:"kind"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations,omitempty"`
	Related      []sarifLocation    `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Occurrences  int64              `json:"occurrenceCount,omitempty"`
	Properties   map[string]any     `json:"properties"`
}

type sarifLocation struct {
	ID       int            `json:"id,omitempty"`
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

// classes are the SARIF rules. The position of a rule is its index.
var classes = []struct {
	class verdict.Class
	text  string
}{
	{verdict.Goroutine, "A goroutine does not end."},
	{verdict.Object, "An object is kept alive after its peer has gone."},
	{verdict.Collection, "A map, slice or channel grows with every peer."},
	{verdict.Memory, "An object gets larger with every peer."},
	{verdict.Mapping, "Memory outside of the Go heap stays mapped."},
	{verdict.Descriptor, "A descriptor is left open."},
	{verdict.Unclosed, "A resource is dropped without being closed."},
	{verdict.Timer, "A timer is still armed after its peer has gone."},
	{verdict.Subscription, "A listener is never removed."},
	{verdict.Gauge, "A count does not agree with what is there."},
	{verdict.Invariant, "The hub's own consistency check fails."},
	{verdict.CPU, "Work goes on while no peer is connected."},
}

func sarifRules() []sarifRule {
	rules := make([]sarifRule, len(classes))
	for i, c := range classes {
		rules[i] = sarifRule{ID: string(c.class), Name: "Leaked" + strings.ToUpper(string(c.class[:1])) + string(c.class[1:]), Short: sarifText{c.text}}
	}
	return rules
}

// newSARIFInvocation returns the run, its reasons and its failures.
func newSARIFInvocation(v *verdict.Verdict) sarifInvocation {
	start := v.Run.Start.UTC()
	inv := sarifInvocation{
		Successful: v.Outcome != verdict.Invalid, CommandLine: v.Run.Command, Start: start.Format(time.RFC3339),
		End: start.Add(time.Duration(v.Run.Seconds * float64(time.Second))).Format(time.RFC3339),
	}
	for _, r := range slices.Concat(v.Failures, v.Invalid) {
		inv.Notifications = append(inv.Notifications, sarifNotification{"error", sarifText{units.Because(r.What, r.Do)}})
	}
	for _, t := range withOutcome(v.Thresholds, verdict.Failed) {
		inv.Notifications = append(inv.Notifications, sarifNotification{"error", sarifText{t}})
	}
	for _, t := range withOutcome(v.Thresholds, verdict.Inconclusive) {
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{t}})
	}
	for _, r := range v.Doubts {
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{units.Because(r.What, r.Do)}})
	}
	return inv
}

func sarifResults(v *verdict.Verdict) []sarifResult {
	results := []sarifResult{}
	for i := range v.Leaks {
		results = append(results, newSARIFResult(v, &v.Leaks[i], "error", "fail"))
	}
	for i := range v.Doubtful {
		results = append(results, newSARIFResult(v, &v.Doubtful[i], "none", "review")) // a kind other than fail has no level
	}
	for i := range v.Known {
		k := &v.Known[i]
		r := newSARIFResult(v, &k.Leak, "error", "fail")
		r.Suppressions = []sarifSuppression{{"external", "accepted",
			units.Aside(k.Rule.Reason, k.Rule.Issue) + ", until " + k.Rule.Expires.Format(time.DateOnly)}}
		results = append(results, r)
	}
	return results
}

func newSARIFResult(v *verdict.Verdict, l *verdict.Leak, level, kind string) sarifResult {
	p := page{}
	p.leak("LEAK", l, v.Run.Rate)
	r := sarifResult{
		RuleID: string(l.Class), RuleIndex: -1, // no such rule
		Level: level, Kind: kind, Message: sarifText{strings.TrimRight(p.b.String(), "\n")},
		Fingerprints: map[string]string{"leak/v1": l.Fingerprint, "primaryLocationLineHash": l.Fingerprint}, Occurrences: max(0, l.Count),
		Properties: map[string]any{"scenario": l.Source.String(), "perPeer": l.Source.PerPeer, "bytesPerDay": l.BytesPerDay, "keptBy": keptBy(l)},
	}
	for i, c := range classes {
		if c.class == l.Class {
			r.RuleIndex = i
		}
	}
	if loc, ok := sarifAt(cmp.Or(l.Born, l.Stored)); ok {
		r.Locations = append(r.Locations, loc)
	}
	if loc, ok := sarifAt(l.Stored); ok {
		loc.ID, loc.Message = 1, &sarifText{"where it was put into what keeps it"}
		r.Related = append(r.Related, loc)
	}
	return r
}

// sarifAt returns a place in the checkout. Other code has a function only.
func sarifAt(s verdict.Site) (sarifLocation, bool) {
	var loc sarifLocation
	if s.Function != "" {
		loc.Logical = []sarifLogical{{s.Function, "function"}}
	}
	if s.File != "" {
		loc.Physical = &sarifPhysical{Artifact: sarifArtifact{URI: fileURI(s.File)}}
		if !strings.HasPrefix(s.File, "/") {
			loc.Physical.Artifact.Base = "%SRCROOT%"
		}
		if s.Line > 0 {
			loc.Physical.Region = &sarifRegion{s.Line}
		}
	}
	return loc, loc.Logical != nil || loc.Physical != nil
}

// fileURI returns a file name as a relative reference or a file URI.
func fileURI(file string) string {
	u := url.URL{Path: file}
	if strings.HasPrefix(file, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
