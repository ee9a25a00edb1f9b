package internal_test

import (
	"net/url"
	"strings"
	"testing"

	"deltag/internal/testing/storetest"
)

// TestDomainsAreChecked: CHECK_DOMAINS=on reaches the sign-up and the API of the built functions. The domain is one
// that no name server is asked for.
func TestDomainsAreChecked(t *testing.T) {
	for setting, statuses := range map[string][2]int{"on": {422, 422}, "off": {303, 201}} {
		t.Run(setting, func(t *testing.T) {
			d := newDeployment(t, storetest.Embedded(t))
			d.env = append(d.env, "CHECK_DOMAINS="+setting)
			e := d.newEvent()
			form := url.Values{"name": {"Mette Østergård"}, "email": {"mette@example.onion"}, "language": {"da"}}
			signUp := request("POST", "/e/samskabelse/registrations", []byte(form.Encode()),
				"Content-Type: application/x-www-form-urlencoded")
			got := httpCall(t, d.start("site"), signUp)
			if got.StatusCode != statuses[0] || setting == "on" && !strings.Contains(got.Body, "kan ikke modtage mail") {
				t.Errorf("form: %d %s", got.StatusCode, got.Body)
			}
			add := request("POST", "/api/v1/events/"+e.ID+"/registrations",
				[]byte(`{"name":"Bo Lund","email":"bo@example.onion"}`),
				"Content-Type: application/json", "Authorization: Bearer "+d.newToken())
			got = httpCall(t, d.start("organiser"), add)
			if got.StatusCode != statuses[1] || setting == "on" && !strings.Contains(got.Body, "address-no-mail") {
				t.Errorf("API: %d %s", got.StatusCode, got.Body)
			}
		})
	}
}
