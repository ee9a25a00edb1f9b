package visitor

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// refuseDomain has the site refuse one domain, and returns which ones it asks for.
func (v *client) refuseDomain(refused string) *[]string {
	var asked []string
	v.checkDomain = func(_ context.Context, domain string) bool {
		asked = append(asked, domain)
		return domain != refused
	}
	return &asked
}

const noMail = "Det, der står efter @, kan ikke modtage mail. Er der en slåfejl? Se det efter."

func TestDomainsThatReceiveNoMail(t *testing.T) {
	t.Run("FormKeepsWhatWasTyped", func(t *testing.T) {
		v := newClient(t, webinar())
		asked := v.refuseDomain("xn--blbrgrd-fxak7p.example.dk")
		v.wantUnchanged(func() {
			v.post(signUpPath, "name", "Anna Holm", "email", "anna@Blåbærgrød.example.dk", "role", "Chef", "updates", "yes").
				want(http.StatusUnprocessableEntity).
				hasText(`[id="email.fault"]`, noMail).has(`input#email[aria-invalid=true]`).
				has(`input[name=email][value="anna@Blåbærgrød.example.dk"]`).has(`input[name=name][value="Anna Holm"]`).
				has(`input[name=role][value=Chef]`).has(`input[name=updates][checked]`)
		})
		if len(*asked) != 1 || strings.Contains(v.log.String(), "xn--") {
			t.Errorf("asked for %q, logged %s", *asked, v.log.String())
		}
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.dk").want(http.StatusSeeOther)
	})
	t.Run("ATypoIsProposed", func(t *testing.T) {
		v := newClient(t, webinar())
		v.refuseDomain("gmial.com")
		v.post(signUpPath, "name", "Anna Holm", "email", "Anna.Holm@gmial.com").want(http.StatusUnprocessableEntity).
			hasText(`[id="email.fault"]`, "Mente du Anna.Holm@gmail.com?").has(`input[name=email][value="Anna.Holm@gmial.com"]`)
	})
	t.Run("AllFaultsAreNamedAtOnce", func(t *testing.T) {
		v := newClient(t, webinar())
		v.refuseDomain("example.org")
		v.post(signUpPath, "name", "", "email", "anna@example.org", "language", "en").
			want(http.StatusUnprocessableEntity).hasText(`[id="name.fault"]`, "Enter your name.").
			hasText(`[id="email.fault"]`, "The part after the @ cannot receive mail. Is there a typo? Check it.")
	})
	t.Run("JSON", func(t *testing.T) {
		v := newClient(t, webinar())
		v.refuseDomain("example.org")
		v.wantUnchanged(func() {
			d := v.postJSON(`{"name":"Anna Holm","email":"anna@example.org"}`).wantProblem(422, "invalid")
			if len(d.Errors) != 1 || d.Errors[0].Field != "email" || d.Errors[0].Code != "address-no-mail" {
				t.Errorf("%+v", d.Errors)
			}
		})
	})
	t.Run("KnownAddressesGetTheSameAnswer", func(t *testing.T) {
		v := newClient(t, webinar())
		v.addRegistration(webinar(), "Anna Holm") // of example.dk
		asked := v.refuseDomain("example.dk")
		for _, email := range []string{"anna@example.dk", "bo@example.dk"} {
			v.post(signUpPath, "name", "Anna Holm", "email", email).want(http.StatusUnprocessableEntity)
		}
		if !slices.Equal(*asked, []string{"example.dk", "example.dk"}) {
			t.Errorf("asked for %q", *asked)
		}
	})
	t.Run("NothingIsAskedForWhatIsRefusedAnyway", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		asked := v.refuseDomain("")
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.con").want(http.StatusUnprocessableEntity)
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.org", "homepage", "https://example.org")
		v.now = e.EndsAt
		v.post(signUpPath, "name", "Anna Holm", "email", "anna@example.org").want(http.StatusConflict)
		if len(*asked) > 0 {
			t.Errorf("asked for %q", *asked)
		}
	})
	t.Run("ChangeOfAddress", func(t *testing.T) {
		e := webinar()
		v := newClient(t, e)
		r := v.addRegistrationWith(e, deltag.SignUpRequest{Name: "Anna Holm", Language: deltag.LanguageDanish})
		asked := v.refuseDomain("example.org")
		v.wantUnchanged(func() {
			v.post(managePath(r), "name", "Anna Maria Holm", "email", "anna@example.org").
				want(http.StatusUnprocessableEntity).hasText(`[id="email.fault"]`, noMail).
				has(`input[name=name][value="Anna Maria Holm"]`).has(`input[name=email][value="anna@example.org"]`)
		})
		*asked = nil
		v.post(managePath(r), "name", "Anna Maria Holm", "email", "anna@example.dk").
			redirectsTo(managePath(r) + "?done=saved")
		v.post(managePath(r), "name", "Anna Maria Holm", "email", "maria@example.dk").want(http.StatusOK)
		if len(*asked) > 0 { // mail has gone to the domain already
			t.Errorf("asked for %q", *asked)
		}
	})
}
