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
