package event

import "time"

// Line is one line of the daemon's log about an App. Like the log itself it
// holds nothing secret.
type Line struct {
	ID      int64             `json:"id" doc:"Grows with each line, until the daemon starts anew."`
	Time    time.Time         `json:"time" doc:"When it was written."`
	Level   string            `json:"level" enum:"DEBUG,INFO,WARN,ERROR" doc:"How grave it is."`
	Message string            `json:"message" doc:"What happened."`
	Attrs   map[string]string `json:"attrs,omitempty" doc:"What goes with it, by name."`
}
