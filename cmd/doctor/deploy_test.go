package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"deltag/internal/testing/storetest"
)

// TestPrepareDeploy makes checks before a deployment with template.yaml.
func TestPrepareDeploy(t *testing.T) {
	engine := storetest.Embedded(t)
	noStack := change{"DescribeStacks", "ValidationError", "Stack with id deltag does not exist", 400}
	failed := change{"DescribeStacks", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", 0}
	for name, c := range map[string]struct {
		given   string            // NAME=value of parameters, separated by |
		changes []change          // of the account
		faults  []string          // how the lines begin that are not ok
		err     string            // part of the error; "": none
		written map[string]string // beside Stage
	}{
		"FirstDeployment": {
			"MailFrom=deltag@example.org|MailName=UKON Aarhus|Organisers=anna@example.org,bo@example.org|AlarmEmail=ops@example.org",
			[]change{noStack}, nil, "", map[string]string{
				"MailFrom": "deltag@example.org", "MailName": "UKON Aarhus", "Organisers": "anna@example.org,bo@example.org",
				"AlarmEmail": "ops@example.org",
			},
		},
		"NothingGiven": {
			"", []change{noStack}, []string{
				"missing MailFrom has no value: The address that all mail comes from",
				"warning Organisers is empty: nobody can sign in", "warning AlarmEmail is empty",
			}, errMissing.Error(), nil,
		},
		"EmptySender": {
			"MailFrom=|Organisers=a@example.org|AlarmEmail=a@example.org", []change{noStack}, []string{"missing MailFrom has no value"},
			errMissing.Error(), nil,
		},
		"MistypedName": {"MailFro=deltag@example.dk", nil, nil, "has no parameter MailFro: it has AlarmEmail, ", nil},
		"DomainIsAnIdentityAlready": {
			"MailFrom=deltag@example.dk|Organisers=a@example.dk|AlarmEmail=a@example.dk", []change{noStack},
			[]string{"missing MailIdentity SES knows example.dk here already"}, errMissing.Error(), nil,
		},
		"ItIsToBeUsed": {
			"MailFrom=deltag@example.dk|MailIdentity=existing|Organisers=a@example.dk|AlarmEmail=a@example.dk", []change{noStack}, nil, "",
			map[string]string{
				"MailFrom": "deltag@example.dk", "MailIdentity": "existing", "Organisers": "a@example.dk", "AlarmEmail": "a@example.dk",
			},
		},
		"ADomainAboveIsAnIdentity": {
			"MailFrom=deltag@events.example.dk|Organisers=a@example.dk|AlarmEmail=a@example.dk", []change{noStack}, nil, "", map[string]string{
				"MailFrom": "deltag@events.example.dk", "Organisers": "a@example.dk", "AlarmEmail": "a@example.dk",
			},
		},
		"LaterDeployment": {"", nil, nil, "", map[string]string{
			"AlarmEmail": "operations@example.dk", "MailFrom": "deltag@events.example.dk", "MailRate": "14", "ProtectTable": "true",
		}},
		"LaterChange": {"AlarmEmail=", nil, nil, "", map[string]string{
			"AlarmEmail": "", "MailFrom": "deltag@events.example.dk", "MailRate": "14", "ProtectTable": "true",
		}},
		"FirstDeploymentFailed": {"", []change{failed}, []string{"missing stack deltag is ROLLBACK_COMPLETE"}, errMissing.Error(), nil},
		"NoCredentials": {
			"", []change{{"GetCallerIdentity", "InvalidClientTokenId", "no", 403}}, []string{"missing account no credentials"}, errMissing.Error(), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			d := newTestDoctor(t, newRecordedAWS(t, engine, c.changes...).url, "prod", &out)
			environ, names := map[string]string{}, []string(nil)
			for pair := range strings.SplitSeq(c.given, "|") {
				if name, value, ok := strings.Cut(pair, "="); ok {
					environ[name], names = value, append(names, name)
				}
			}
			lookupEnv := func(name string) (string, bool) { value, ok := environ[name]; return value, ok }
			file := filepath.Join(t.TempDir(), "new", "parameters.yaml")
			err := d.prepareDeploy(t.Context(), "../../template.yaml", file, names, lookupEnv)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v", err)
			}
			faults, _ := faultsOf(out.String())
			for i := range min(len(faults), len(c.faults)) {
				if strings.HasPrefix(faults[i], c.faults[i]) {
					faults[i] = c.faults[i]
				}
			}
			if diff := cmp.Diff(c.faults, faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			var written map[string]string
			if text, err := os.ReadFile(file); err == nil {
				if err := yaml.Unmarshal(text, &written); err != nil {
					t.Fatal(err)
				}
				delete(written, "Stage")
			}
			if diff := cmp.Diff(c.written, written); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadStage reads the repository's samconfig.toml.
func TestReadStage(t *testing.T) {
	for name, want := range map[string]stage{
		"dev": {"dev", "deltag-dev", "eu-north-1"}, "prod": {"prod", "deltag", "eu-north-1"},
	} {
		if got, err := readStage("../../samconfig.toml", name); err != nil || got != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, name := range []string{"", "test", "Prod"} {
		if got, err := readStage("../../samconfig.toml", name); err == nil || !strings.Contains(err.Error(), "dev or prod") {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}
