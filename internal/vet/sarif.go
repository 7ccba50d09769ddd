package vet

import (
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
)

// SARIF writes a report in the Static Analysis Results Interchange Format 2.1.0
// (OASIS), which code forges show beside the lines.
func SARIF(w io.Writer, r Report, version string) error {
	type text struct {
		Text string `json:"text"`
	}
	type rule struct {
		ID    string `json:"id"`
		Short text   `json:"shortDescription"`
	}
	type region struct {
		StartLine int `json:"startLine"`
	}
	type artifact struct {
		URI string `json:"uri"`
	}
	type physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	type location struct {
		Physical physical `json:"physicalLocation"`
	}
	type result struct {
		RuleID    string     `json:"ruleId"`
		Level     Level      `json:"level"`
		Message   text       `json:"message"`
		Locations []location `json:"locations,omitempty"`
	}
	type driver struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		Rules   []rule `json:"rules"`
	}
	type run struct {
		Tool    map[string]driver `json:"tool"`
		Results []result          `json:"results"`
	}
	d := driver{Name: "plumb", Version: version}
	about := Rules()
	for _, id := range slices.Sorted(maps.Keys(about)) {
		d.Rules = append(d.Rules, rule{string(id), text{about[id]}})
	}
	one := run{Tool: map[string]driver{"driver": d}, Results: []result{}}
	for _, f := range r.Findings {
		at := f
		at.File, at.Line = "", 0
		res := result{RuleID: string(f.Rule), Level: f.Level, Message: text{at.text()}}
		if f.File != "" {
			p := physical{Artifact: artifact{(&url.URL{Path: f.File}).String()}}
			if f.Line > 0 {
				p.Region = &region{f.Line}
			}
			res.Locations = []location{{p}}
		}
		one.Results = append(one.Results, res)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []run{one},
	})
}
