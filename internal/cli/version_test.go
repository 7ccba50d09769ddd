package cli

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "1d687d61fe5a"}, {Key: "vcs.time", Value: "2026-11-20T12:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got := buildOf("", info).String(); !strings.HasPrefix(got, "plumb v1.2.3 (commit 1d687d61 with changes, go") {
		t.Errorf("got %s", got)
	}
	if got := buildOf("v2", info); got.Version != "v2" || got.Time != "2026-11-20T12:00:00Z" {
		t.Errorf("got %+v", got)
	}
	if got := buildOf("", nil).String(); !strings.HasPrefix(got, "plumb unknown (go") {
		t.Errorf("got %s", got)
	}
}
