package api_test

import "testing"

func TestDeliveries(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	s.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	t.Run("AreFiltered", func(t *testing.T) {
		found := s.items(path + "/deliveries?kind=confirmation&email=METTE@example.dk&status=pending")
		wantEqual(t, len(found), 1)
		got := s.mustCall(200, "GET", path+"/deliveries/"+found[0]["id"].(string), "")
		wantEqual(t, got["registrationId"], found[0]["registrationId"])
		wantEqual(t, len(s.items(path+"/deliveries?status=sent")), 0)
		wantEqual(t, len(s.items(path+"/deliveries?email=anna@example.dk")), 0)
	})
	t.Run("AreNotResentWhileOnTheirWay", func(t *testing.T) {
		delivery := path + "/deliveries/" + s.items(path + "/deliveries")[0]["id"].(string)
		wantEqual(t, s.mustCall(409, "POST", delivery+"/resend", "")["code"], any("conflict"))
		s.mustCall(404, "GET", path+"/deliveries/nope", "")
	})
	t.Run("RefuseABadFilter", func(t *testing.T) {
		problem := s.mustCall(400, "GET", path+"/deliveries?status=lost", "")
		wantEqual(t, fieldCode(problem, "status"), any("unknown-status"))
		problem = s.mustCall(400, "GET", path+"/deliveries?email=mette", "")
		wantEqual(t, fieldCode(problem, "email"), any("address-no-at"))
		wantEqual(t, problem["code"], any("bad-request"))
	})
}

func TestTimeline(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	s.mustCall(201, "POST", path+"/registrations", `{"name":"Mette","email":"mette@example.dk"}`)
	entries := s.items(path + "/timeline")
	wantEqual(t, len(entries), 3)
	wantEqual(t, entries[0], map[string]any{
		"kind": "reminder-P1D", "version": 1.0, "status": "planned", "reason": "",
		"dueAt": "2026-11-30T13:00:00Z", "dueAtLocal": "2026-11-30T14:00:00+01:00",
		"expected": 1.0, "sent": 0.0, "skipped": 0.0,
	})
}

func TestMessages(t *testing.T) {
	s := newTestServer(t)
	path := s.createEvent()
	messages := path + "/messages"
	t.Run("ArePlannedOnceForAKey", func(t *testing.T) {
		for range 2 {
			entry := s.mustCall(202, "POST", messages, `{"text":"Husk kaffe"}`, "Idempotency-Key: 12345678")
			wantEqual(t, entry["kind"], any("message"))
		}
		wantEqual(t, len(s.items(path+"/timeline")), 4)
		problem := s.mustCall(422, "POST", messages, `{"text":"Noget andet"}`, "Idempotency-Key: 12345678")
		wantEqual(t, fieldCode(problem, "Idempotency-Key"), any("key-reused"))
	})
	t.Run("NameWhatIsWrong", func(t *testing.T) {
		problem := s.mustCall(422, "POST", messages, `{"text":" ","audience":"some"}`)
		wantEqual(t, fieldCode(problem, "text"), any("missing"))
		wantEqual(t, fieldCode(problem, "audience"), any("unknown-audience"))
		problem = s.mustCall(400, "POST", messages, `{"text":"x"}`, "Idempotency-Key: short")
		wantEqual(t, fieldCode(problem, "Idempotency-Key"), any("key-length"))
	})
	t.Run("GoToTheOrganiserAloneAsAPreview", func(t *testing.T) {
		entry := s.mustCall(202, "POST", messages, `{"text":"Husk te","preview":true}`)
		wantEqual(t, entry["kind"], any("preview"))
		wantEqual(t, len(s.items(path+"/timeline")), 4)
		previews := s.items(path + "/deliveries?kind=preview")
		wantEqual(t, len(previews), 1)
		wantEqual(t, previews[0]["email"], any("hej@example.dk"))
	})
}
