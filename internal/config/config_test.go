package config

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Run("ValidEnvironment", func(t *testing.T) {
		var m Mailer
		err := Read(&m, []string{
			"TABLE=deltag", "BASE_URL=https://deltag.example.dk", "MAIL_FROM=UKON <deltag@example.dk>", "MAIL_RATE=2.5",
		})
		if err != nil {
			t.Fatal(err)
		}
		if m.MailRate != 2.5 || m.Table != "deltag" || m.Region != "eu-north-1" {
			t.Errorf("got %+v", m)
		}
	})
	t.Run("AllErrorsAreReportedTogether", func(t *testing.T) {
		environ := []string{"BASE_URL=http://deltag.example.dk/", "MAIL_FROM=nobody", "MAIL_RATE=-1", "SES_ENDPOINT=x"}
		err := Read(&Mailer{}, environ)
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{
			"TABLE is missing: it must be", `BASE_URL is "http://deltag.example.dk/": it must be`, "MAIL_FROM", "MAIL_RATE",
			"SES_ENDPOINT",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s is not in:\n%v", want, err)
			}
		}
	})
	t.Run("ParseErrorsAreReported", func(t *testing.T) {
		err := Read(&Mailer{}, []string{
			"TABLE=deltag", "BASE_URL=https://d.example.dk", "MAIL_FROM=a@example.dk", "MAIL_RATE=many",
		})
		if err == nil || !strings.Contains(err.Error(), "MailRate") {
			t.Errorf("got %v", err)
		}
	})
	for value, want := range map[string]string{
		"ORGANISERS=anna@example.dk,bo": `"anna@example.dk,bo"`, "ORGANISERS=anna@example.dk,": "ORGANISERS is",
		"ORGANISERS=": "", "X=": "", "ORGANISERS=a@example.dk, b@example.dk": "",
	} {
		t.Run(value, func(t *testing.T) {
			err := Read(&Organiser{}, []string{"TABLE=deltag", "BASE_URL=http://127.0.0.1:8080", value})
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	const issuer = "OIDC_ISSUER=https://login.example.org"
	whole := []string{issuer, "OIDC_CLIENT_ID=id", "OIDC_CLIENT_SECRET_PARAMETER=/deltag/oidc-secret"}
	microsoft := func(path string) []string {
		return append([]string{"OIDC_ISSUER=https://login.microsoftonline.com/" + path}, whole[1:]...)
	}
	for _, c := range []struct {
		name, want string // that the error names; "" for none
		environ    []string
	}{
		{"Empty", "", []string{
			"OIDC_ISSUER=", "OIDC_CLIENT_ID=", "OIDC_CLIENT_SECRET_PARAMETER=", "OIDC_DOMAINS=", "OIDC_NAME=",
		}},
		{"Whole", "", append([]string{"OIDC_DOMAINS=example.dk=reader", "OIDC_NAME=Microsoft"}, whole...)},
		{"Loopback", "", append([]string{"OIDC_ISSUER=http://127.0.0.1:9000/oidc"}, whole[1:]...)},
		{"NoIssuer", "OIDC_ISSUER is missing", whole[1:]},
		{"DomainsAlone", "OIDC_ISSUER is missing", []string{"OIDC_DOMAINS=example.dk=reader"}},
		{"NoClient", "OIDC_CLIENT_ID is missing", []string{issuer, whole[2]}},
		{"NoSecret", "OIDC_CLIENT_SECRET_PARAMETER is missing", []string{issuer, whole[1]}},
		{"SecretItself", "OIDC_CLIENT_SECRET_PARAMETER is", []string{issuer, whole[1], "OIDC_CLIENT_SECRET_PARAMETER=a~b!"}},
		{"WithoutTLS", "OIDC_ISSUER is", append([]string{"OIDC_ISSUER=http://login.example.org"}, whole[1:]...)},
		{"NoURL", "OIDC_ISSUER is", append([]string{"OIDC_ISSUER=login.example.org"}, whole[1:]...)},
		{"OneDirectory", "", microsoft("00000000-0000-4000-8000-000000000000/v2.0")},
		{"AllDirectories", "OIDC_ISSUER is", microsoft("common/v2.0")},
		{"AllOrganisations", "OIDC_ISSUER is", microsoft("organizations/v2.0")},
		{"AllPersons", "OIDC_ISSUER is", microsoft("consumers/v2.0")},
		{"AllPersonsById", "OIDC_ISSUER is", microsoft("9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")},
		{"AllDirectoriesInCapitals", "OIDC_ISSUER is", microsoft("COMMON/v2.0")},
		{"OldVersion", "OIDC_ISSUER is", microsoft("00000000-0000-4000-8000-000000000000")},
		{"HostInCapitals", "OIDC_ISSUER is",
			append([]string{"OIDC_ISSUER=https://LOGIN.MicrosoftOnline.com/common/v2.0"}, whole[1:]...)},
		{"AnOldHost", "OIDC_ISSUER is", append([]string{"OIDC_ISSUER=https://sts.windows.net/common/"}, whole[1:]...)},
	} {
		t.Run("OIDC "+c.name, func(t *testing.T) {
			err := Read(&Organiser{}, append([]string{"TABLE=deltag", "BASE_URL=http://127.0.0.1:8080"}, c.environ...))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	for value, ok := range map[string]bool{"on": true, "off": true, "": true, "yes": false, "ON": false} {
		t.Run("CheckDomains "+value, func(t *testing.T) {
			var site Site
			environ := []string{"TABLE=deltag", "BASE_URL=https://d.example.dk", "CHECK_DOMAINS=" + value}
			if err := Read(&site, environ); (err == nil) != ok || ok && site.CheckDomains != value {
				t.Errorf("got %q, %v", site.CheckDomains, err)
			}
		})
	}
	for baseURL, ok := range map[string]bool{
		"https://d.example.dk": true, "http://127.0.0.1:8080": true, "http://localhost:8080": true, "": false,
		"https://d.example.dk/": false, "https://d.example.dk/x": false, "http://d.example.dk": false, "d.example.dk": false,
		"https://a@d.example.dk": false, "https://d.example.dk?x": false, "https://d.example.dk#x": false,
	} {
		t.Run("BaseURL "+baseURL, func(t *testing.T) {
			if err := Read(&Site{}, []string{"TABLE=deltag", "BASE_URL=" + baseURL}); (err == nil) != ok {
				t.Errorf("got %v", err)
			}
		})
	}
	for table, ok := range map[string]bool{
		"abc": true, "a-B_9.z": true, "ab": false, "a b": false,
		strings.Repeat("a", 255): true, strings.Repeat("a", 256): false,
	} {
		t.Run("Table "+table, func(t *testing.T) {
			if err := Read(&Base{}, []string{"TABLE=" + table}); (err == nil) != ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
