package v1alpha1

import "fmt"

// validateHealth holds rules to what they are for. Whether their expressions
// are CEL is said by those who can compile them.
func validateHealth(s *sink, h Health) {
	s.atLeastASecond("spec.health.timeout", h.Timeout.Duration)
	first := map[string]int{}
	for i, rule := range h.Rules {
		field := fmt.Sprintf("spec.health.rules[%d]", i)
		if rule.Kind == "" {
			s.add(field+".kind", "is missing", "name the kind that the rule judges, such as Certificate")
			continue
		}
		if rule.Suspended+rule.Degraded+rule.Progressing+rule.Healthy == "" {
			s.add(field, "says nothing", "give at least one of suspended, degraded, progressing and healthy")
		}
		of := rule.Group + "/" + rule.Kind
		if j, twice := first[of]; twice {
			s.add(field+".kind", fmt.Sprintf("%q has a rule already, spec.health.rules[%d]", rule.Kind, j), "make one of the two")
			continue
		}
		first[of] = i
	}
}
