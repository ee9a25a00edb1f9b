package visitor

import (
	"strings"
	"testing"

	"deltag/internal/deltag"
)

// TestPreview: what organisers are shown is the page that visitors get.
func TestPreview(t *testing.T) {
	plain, english, over := webinar(), webinar(), webinar()
	plain.Questions = questions()
	english.Language = deltag.LanguageEnglish
	over.Status = deltag.EventClosed
	for name, e := range map[string]deltag.Event{
		"Plain": plain, "English": english, "Closed": over, "Limited": limited(webinar(), 7, true),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Preview(e, before)
			if err != nil {
				t.Fatal(err)
			}
			if want := newClient(t, e).get("/e/" + e.Slug); string(got) != want.text {
				t.Errorf("got %s\nwant %s", got, want.text)
			}
		})
	}
	draft := webinar()
	draft.Status = deltag.EventDraft
	html, err := Preview(draft, before)
	if err != nil || !strings.Contains(string(html), `name="email"`) {
		t.Errorf("the page of a draft has no form: %v", err)
	}
}
