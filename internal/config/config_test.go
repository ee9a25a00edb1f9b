package config

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Run("AllIsWell", func(t *testing.T) {
		var m Mailer
		err := Read(&m, []string{"TABLE=deltag", "BASE_URL=https://deltag.example.dk", "MAIL_FROM=UKON <deltag@example.dk>", "MAIL_RATE=2.5"})
		if err != nil {
			t.Fatal(err)
		}
		if m.MailRate != 2.5 || m.Table != "deltag" || m.Region != "eu-north-1" {
			t.Errorf("got %+v", m)
		}
	})
	t.Run("AllFaultsAreToldAtOnce", func(t *testing.T) {
		err := Read(&Mailer{}, []string{"BASE_URL=http://deltag.example.dk/", "MAIL_FROM=nobody", "MAIL_RATE=-1", "SES_ENDPOINT=x"})
		if err == nil {
			t.Fatal("no error")
		}
		for _, name := range []string{"TABLE is missing", "BASE_URL", "MAIL_FROM", "MAIL_RATE", "SES_ENDPOINT"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named in:\n%v", name, err)
			}
		}
	})
	t.Run("ANumberThatIsNoneIsTold", func(t *testing.T) {
		err := Read(&Mailer{}, []string{"TABLE=deltag", "BASE_URL=https://d.example.dk", "MAIL_FROM=a@example.dk", "MAIL_RATE=many"})
		if err == nil || !strings.Contains(err.Error(), "MailRate") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("OrganisersAreAddresses", func(t *testing.T) {
		o := Organiser{}
		environ := []string{"TABLE=deltag", "BASE_URL=http://127.0.0.1:8080", "ORGANISERS=anna@example.dk,bo"}
		if err := Read(&o, environ); err == nil || !strings.Contains(err.Error(), `"bo"`) {
			t.Errorf("got %v", err)
		}
	})
	for name, bad := range map[string]string{"WithAPath": "https://d.example.dk/x", "PlainHTTP": "http://d.example.dk", "Missing": ""} {
		t.Run("BaseURL"+name, func(t *testing.T) {
			if err := Read(&Site{}, []string{"TABLE=deltag", "BASE_URL=" + bad}); err == nil {
				t.Error("accepted")
			}
		})
	}
}
