package main

import (
	"os"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestTheTemplateHasWhatIsRead compares with template.yaml the names of what the checks read of the stack.
func TestTheTemplateHasWhatIsRead(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]any `yaml:"Parameters"`
		Resources  map[string]any `yaml:"Resources"`
		Outputs    map[string]any `yaml:"Outputs"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, section := range []struct {
		has   map[string]any
		names []string
	}{
		{template.Parameters, []string{"MailFrom", "MailIdentity", "MailRate", "Organisers", "AlarmEmail"}},
		{template.Resources, []string{"ConfigurationSet", "MailerFunction", "FeedbackLog", "Alarms"}},
		{template.Outputs, []string{
			"SiteUrl", "TableName", "DeadLettersUrl", "UndeliveredFeedbackUrl", "DnsSite", "DnsDkim1", "DnsMailFromMx",
		}},
	} {
		for _, name := range section.names {
			if section.has[name] == nil {
				t.Errorf("template.yaml has no %s", name)
			}
		}
	}
}
