package helmrecord

import (
	"reflect"
	"slices"
	"strconv"

	"helm.sh/helm/v4/pkg/release/common"
	helm "helm.sh/helm/v4/pkg/release/v1"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

// Kept is how many records of ours a release has at most, as Helm does.
const Kept = 10

// Changes are what is to be done to a release's records, Put before Drop.
type Changes struct {
	Put  []target.Secret
	Drop []string // names
}

// Next says what is to be done for a release to be recorded, given all records
// that there are of its name. One that is the same as the last is not recorded
// again. Records of Helm's own stay, and what was deployed by one is superseded.
func Next(existing []target.Secret, r Release) (Changes, error) {
	of, err := r.record()
	if err != nil {
		return Changes{}, err
	}
	existing = slices.Clone(existing)
	slices.SortFunc(existing, func(x, y target.Secret) int { return version(x) - version(y) })
	of.Version = 1
	if n := len(existing); n > 0 {
		last := existing[n-1]
		if ours(last, r.App) && sameAs(last, of) {
			return Changes{}, nil
		}
		of.Version = version(last) + 1
		if first, err := parse(existing[0]); err == nil && !first.Info.FirstDeployed.IsZero() {
			of.Info.FirstDeployed = first.Info.FirstDeployed
		}
	}
	var c Changes
	s, err := stored(of, map[string]string{object.LabelRecordOf: r.App})
	if err != nil {
		return Changes{}, err
	}
	c.Put = append(c.Put, s)
	for _, old := range existing {
		if old.Labels[labelStatus] != common.StatusDeployed.String() {
			continue
		}
		if s, err := superseded(old); err == nil { // one that can't be read is somebody else's to see to
			c.Put = append(c.Put, s)
		}
	}
	mine := slices.DeleteFunc(existing, func(s target.Secret) bool { return !ours(s, r.App) })
	for i := 0; i <= len(mine)-Kept; i++ {
		c.Drop = append(c.Drop, mine[i].Name)
	}
	c.Put = slices.DeleteFunc(c.Put, func(s target.Secret) bool { return slices.Contains(c.Drop, s.Name) })
	return c, nil
}

func ours(s target.Secret, app string) bool { return s.Labels[object.LabelRecordOf] == app }

// version is a record's number; what has none comes before all others.
func version(s target.Secret) int {
	n, err := strconv.Atoi(s.Labels[labelVersion])
	if err != nil {
		return 0
	}
	return n
}

// sameAs says that a record tells of the same chart, values and objects.
func sameAs(s target.Secret, of *helm.Release) bool {
	last, err := parse(s)
	if err != nil || last.Chart == nil || last.Info.Status != common.StatusDeployed {
		return false
	}
	return last.Manifest == of.Manifest && reflect.DeepEqual(last.Chart.Metadata, of.Chart.Metadata) && (len(last.Config)+len(of.Config) == 0 || reflect.DeepEqual(last.Config, of.Config))
}

// superseded is a record of what something newer took the place of.
func superseded(s target.Secret) (target.Secret, error) {
	old, err := parse(s)
	if err != nil {
		return target.Secret{}, err
	}
	old.Info.Status = common.StatusSuperseded
	put, err := stored(old, s.Labels)
	put.Name = s.Name
	return put, err
}
