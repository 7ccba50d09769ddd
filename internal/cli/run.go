package cli

import (
	"log/slog"
	"time"
)

// RunOptions is what `plumb run` was asked for.
type RunOptions struct {
	Root       string // URL of the root repository, or a local folder
	RootBranch string // empty: the repository's default branch
	RootPath   string // folder of the declarations; empty: all of the repository

	Kubeconfig string // empty: $KUBECONFIG, ~/.kube/config or the cluster it runs in
	Context    string // context of the kubeconfig; empty: its current one

	Data           string // data folder
	Listen         string // HOST:PORT of the HTTP API
	GitCredentials string // file with credentials for repositories; empty: none
	AllowLocal     bool   // Apps may name repositories of this machine by path
	MetricsPublic  bool   // /metrics asks for no token

	LogFormat string // text or json
	LogLevel  slog.Level

	Workers      int           // Apps worked on at once; 0: chosen by the daemon
	HistoryAge   time.Duration // releases older than this are dropped; 0: no bound
	HistoryCount int           // releases kept of each App; 0: no bound
}
