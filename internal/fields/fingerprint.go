package fields

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fingerprint is a hash of our own entry in the managed fields: which fields,
// in which version, and when it last changed. The server takes a field out of
// our entry when someone else changes its value. It is 0 when we have no entry.
func Fingerprint(entries []metav1.ManagedFieldsEntry) uint64 {
	for _, e := range entries {
		if !IsOurs(e) {
			continue
		}
		h := sha256.New()
		h.Write([]byte(e.APIVersion))
		if e.Time != nil {
			h.Write(strconv.AppendInt(nil, e.Time.Unix(), 10))
		}
		h.Write(canonical(e))
		return max(1, binary.BigEndian.Uint64(h.Sum(nil)))
	}
	return 0
}

// canonical is an entry's fields in one order: the clients' decoders bring them
// in different ones. What can't be read is taken as it is.
func canonical(e metav1.ManagedFieldsEntry) []byte {
	if e.FieldsV1 == nil {
		return nil
	}
	raw := e.FieldsV1.GetRawBytes()
	if !readable(raw) {
		return raw
	}
	ordered, err := Set(e).ToJSON()
	if err != nil {
		return raw
	}
	return ordered
}

// readable says whether all of an entry's fields are written in ways that we
// know; a later Kubernetes may bring others, which a set would leave out.
func readable(raw []byte) bool {
	var fields map[string]any
	return json.Unmarshal(raw, &fields) == nil && knownForms(fields)
}

func knownForms(fields map[string]any) bool {
	for key, below := range fields {
		kind, _, _ := strings.Cut(key, ":")
		deeper, ok := below.(map[string]any)
		if !ok || key != "." && !slices.Contains([]string{"f", "k", "v", "i"}, kind) || !knownForms(deeper) {
			return false
		}
	}
	return true
}
