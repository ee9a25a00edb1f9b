package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/local"
)

// A testConsole is a console with all its parts.
type testConsole struct {
	console *local.DevConsole
	http.Handler
	ses     *local.SESServer
	clock   *local.Clock
	woken   int
	events  []json.RawMessage
	failure error // of feedback, tokens and the demo event
}

func newTestConsole(t *testing.T) *testConsole {
	t.Helper()
	c := &testConsole{}
	var err error
	if c.clock, err = local.OpenClock(t.TempDir(), time.Time{}, func() time.Time { return noon }); err != nil {
		t.Fatal(err)
	}
	if c.ses, err = local.OpenSESServer(t.TempDir(), account, c.clock.Now); err != nil {
		t.Fatal(err)
	}
	copenhagen := time.FixedZone("Europe/Copenhagen", 3600)
	c.console = &local.DevConsole{
		SES: c.ses, Clock: c.clock, Wake: func() { c.woken++ }, BaseURL: "http://127.0.0.1:8080",
		Feedback: func(_ context.Context, event json.RawMessage) error {
			c.events = append(c.events, event)
			return c.failure
		},
		Token: func(context.Context) (string, error) { return "dt_secret", c.failure },
		Demo: func(context.Context) (local.Demo, error) {
			return local.Demo{
				Slug: "samskabelse", Title: "Samskabelse <på> dagsordenen",
				Start: time.Date(2026, 12, 1, 14, 0, 0, 0, copenhagen),
				End:   time.Date(2026, 12, 1, 15, 0, 0, 0, copenhagen),
			}, c.failure
		},
	}
	c.Handler = c.console.Handler()
	return c
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	return r
}

// fromBrowser is a request as a browser sends a form on the page.
func fromBrowser(method, path, body string) *http.Request {
	r := request(method, path, body)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (c *testConsole) send(t *testing.T, raw string) string {
	t.Helper()
	before := len(c.ses.Mails())
	srv := httptest.NewServer(c.ses)
	defer srv.Close()
	id, err := sendMail(t.Context(), newSES(srv.URL), raw)
	if err != nil || len(c.ses.Mails()) != before+1 {
		t.Fatal(err)
	}
	return id
}

func (c *testConsole) sendInvitation(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "invitation.eml"))
	if err != nil {
		t.Fatal(err)
	}
	return c.send(t, string(raw))
}

func decode(t *testing.T, res *http.Response) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMailsAsJSON(t *testing.T) {
	c := newTestConsole(t)
	res := serveTo(c, request(http.MethodGet, "/local/mails", ""))
	if got := body(t, res); got != "[]\n" || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("an empty inbox is %s", got)
	}
	first, second := c.sendInvitation(t), c.send(t, plainMail)
	var got []map[string]any
	res = serveTo(c, request(http.MethodGet, "/local/mails", ""))
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["id"] != first || got[1]["id"] != second {
		t.Fatalf("got %v", got)
	}
	want := map[string]any{
		"id": second, "at": "2026-11-30T12:00:00Z", "from": "deltag@example.dk", "to": []any{"anna@example.dk"},
		"subject": "Hello", "kind": "confirmation",
		"headers": map[string]any{"From": "deltag@example.dk", "To": "anna@example.dk", "Subject": "Hello"},
		"text":    "Hello\r\n", "html": "", "calendar": "", "rawURL": "/local/mails/" + second + "/raw",
	}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Error(diff)
	}

	t.Run("Raw", func(t *testing.T) {
		res := serveTo(c, request(http.MethodGet, got[1]["rawURL"].(string), ""))
		if body(t, res) != plainMail || res.Header.Get("Content-Type") != "message/rfc822" {
			t.Errorf("got %v", res.Header)
		}
	})
	t.Run("Calendar", func(t *testing.T) {
		res := serveTo(c, request(http.MethodGet, "/local/mails/"+first+"/calendar.ics", ""))
		disposition := res.Header.Get("Content-Disposition")
		if !strings.HasPrefix(body(t, res), "BEGIN:VCALENDAR\r\n") || !strings.HasPrefix(disposition, "attachment") {
			t.Errorf("got %v", res.Header)
		}
	})
	t.Run("Attachment", func(t *testing.T) {
		res := serveTo(c, request(http.MethodGet, "/local/mails/"+first+"/attachments/0", ""))
		disposition := res.Header.Get("Content-Disposition")
		if !strings.HasPrefix(body(t, res), "BEGIN:VCALENDAR\r\n") ||
			disposition != "attachment; filename*=utf-8''m%C3%B8de.ics" {
			t.Errorf("got %v", res.Header)
		}
	})
	t.Run("NoSuchMail", func(t *testing.T) {
		for _, path := range []string{
			"x/raw", "x", second + "/calendar.ics", second + "/attachments/0", first + "/attachments/-1",
			"..%2Fclock/raw",
		} {
			got := serveTo(c, request(http.MethodGet, "/local/mails/"+path, "")).StatusCode
			if got != http.StatusNotFound {
				t.Errorf("%s: %d", path, got)
			}
		}
	})
}

func TestCommands(t *testing.T) {
	for name, test := range map[string]struct {
		path, body, want string
	}{
		"SetClock": {"/local/clock", `{"now":"2026-12-01T10:00:00Z"}`, `{"now":"2026-12-01T10:00:00Z"}`},
		"SetClockInAZone": {
			"/local/clock", `{"now":"2026-12-01T11:00:00+01:00"}`, `{"now":"2026-12-01T10:00:00Z"}`,
		},
		"AdvanceClock":          {"/local/clock", `{"advance":"24h"}`, `{"now":"2026-12-01T12:00:00Z"}`},
		"AdvanceClockBackwards": {"/local/clock", `{"advance":"-90m"}`, `{"now":"2026-11-30T10:30:00Z"}`},
		"Form":                  {"/local/clock", `advance=1h`, `{"now":"2026-11-30T13:00:00Z"}`},
		"SpaceAroundJSON":       {"/local/clock", "\n {\"advance\":\"1h\"}\n", `{"now":"2026-11-30T13:00:00Z"}`},
		"Token":                 {"/local/token", ``, `{"token":"dt_secret"}`},
		"TokenWithEmptyObject":  {"/local/token", `{}`, `{"token":"dt_secret"}`},
		"FailOnce":              {"/local/ses", `{"fail":"throttle"}`, `{"fail":"throttle","times":1}`},
		"FailOften": {
			"/local/ses", `{"fail":"timeout-after-accept","times":3}`, `{"fail":"timeout-after-accept","times":3}`,
		},
		"FailOff":             {"/local/ses", `{"fail":"off"}`, `{"fail":"off","times":0}`},
		"FailOffIgnoresTimes": {"/local/ses", `{"fail":"off","times":2}`, `{"fail":"off","times":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestConsole(t)
			res := serveTo(c, request(http.MethodPost, test.path, test.body))
			isJSON := res.StatusCode == http.StatusOK && res.Header.Get("Content-Type") == "application/json"
			if got := strings.TrimSpace(body(t, res)); got != test.want || !isJSON {
				t.Errorf("got %d %s", res.StatusCode, got)
			}
			if moved := test.path == "/local/clock"; moved != (c.woken == 1) {
				t.Errorf("woken %d times", c.woken)
			}
		})
	}
	t.Run("ReadClock", func(t *testing.T) {
		got := body(t, serveTo(newTestConsole(t), request(http.MethodGet, "/local/clock", "")))
		if got != "{\"now\":\"2026-11-30T12:00:00Z\"}\n" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("FailuresReachTheSESServer", func(t *testing.T) {
		c := newTestConsole(t)
		serveTo(c, request(http.MethodPost, "/local/ses", `{"fail":"reject","times":7}`))
		if mode, times := c.ses.Failures(); mode != local.FailReject || times != 7 {
			t.Errorf("%s, %d times", mode, times)
		}
	})
}

func TestInvalidCommandsNameTheField(t *testing.T) {
	for name, test := range map[string]struct {
		path, body, field string
		status            int
	}{
		"NoTime":           {"/local/clock", ``, "now", 400},
		"EmptyObject":      {"/local/clock", `{}`, "now", 400},
		"TimeWithoutZone":  {"/local/clock", `{"now":"2026-11-30T10:00:00"}`, "now", 400},
		"TimeIsNull":       {"/local/clock", `{"now":null}`, "now", 400},
		"TimeTooFar":       {"/local/clock", `{"now":"9999-01-01T00:00:00Z"}`, "now", 400},
		"NoDuration":       {"/local/clock", `{"advance":"a day"}`, "advance", 400},
		"DurationNoUnit":   {"/local/clock", `{"advance":24}`, "advance", 400},
		"DurationTooFar":   {"/local/clock", `{"advance":"2000000h"}`, "advance", 400},
		"Both":             {"/local/clock", `{"now":"2026-11-30T10:00:00Z","advance":"1h"}`, "advance", 400},
		"UnknownField":     {"/local/clock", `{"advance":"1h","speed":"2"}`, "speed", 400},
		"UnknownFormField": {"/local/clock", `speed=2`, "speed", 400},
		"List":             {"/local/clock", `[1]`, "[1]", 400},
		"BrokenJSON":       {"/local/clock", `{"now"`, "", 400},
		"TwoObjects":       {"/local/clock", `{}{}`, "", 400},
		"BrokenForm":       {"/local/clock", `now=%zz`, "", 400},
		"TooLong":          {"/local/clock", strings.Repeat("x", 100_000), "", 400},
		"TokenWithFields":  {"/local/token", `{"name":"x"}`, "name", 400},
		"NoFailure":        {"/local/ses", `{}`, "fail", 400},
		"UnknownFailure":   {"/local/ses", `{"fail":"explode"}`, "fail", 400},
		"TimesIsZero":      {"/local/ses", `{"fail":"reject","times":0}`, "times", 400},
		"TimesIsHalf":      {"/local/ses", `{"fail":"reject","times":1.5}`, "times", 400},
		"TimesIsText":      {"/local/ses", `{"fail":"reject","times":"often"}`, "times", 400},
		"NoType":           {"/local/feedback", `{"mail":"x"}`, "type", 400},
		"UnknownType":      {"/local/feedback", `{"mail":"x","type":"open"}`, "type", 400},
		"NoSuchMail":       {"/local/feedback", `{"mail":"x","type":"bounce"}`, "mail", 404},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestConsole(t)
			res := serveTo(c, request(http.MethodPost, test.path, test.body))
			if res.StatusCode != test.status || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("got %d %s", res.StatusCode, res.Header.Get("Content-Type"))
			}
			problem := decode(t, res)
			field := ""
			if list, ok := problem["errors"].([]any); ok {
				field, _ = list[0].(map[string]any)["field"].(string)
			}
			if field != test.field || problem["detail"] == "" || problem["status"] != float64(test.status) {
				t.Errorf("got %v", problem)
			}
			if c.woken != 0 || !c.clock.Now().Equal(noon) {
				t.Error("the command was carried out")
			}
		})
	}
}

func TestFeedbackIsTheEventOfEventBridge(t *testing.T) {
	for kind, want := range map[string]map[string]any{
		"bounce": {"bounce": map[string]any{
			"bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-11-30T12:00:00.000Z",
			"reportingMTA": "dns; localhost",
			"bouncedRecipients": []any{
				map[string]any{
					"emailAddress": "anna@example.dk", "action": "failed", "status": "5.1.1",
					"diagnosticCode": "smtp; 550 5.1.1 user unknown",
				},
			},
		}},
		"complaint": {"complaint": map[string]any{
			"complainedRecipients": []any{map[string]any{"emailAddress": "anna@example.dk"}}, "complaintSubType": nil,
			"complaintFeedbackType": "abuse",
			"timestamp":             "2026-11-30T12:00:00.000Z", "arrivalDate": "2026-11-30T12:00:00.000Z",
			"userAgent": "Local",
		}},
		"delivery": {"delivery": map[string]any{
			"timestamp": "2026-11-30T12:00:00.000Z", "processingTimeMillis": float64(0),
			"recipients":   []any{"anna@example.dk"},
			"smtpResponse": "250 2.6.0 Message received", "reportingMTA": "localhost",
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			c := newTestConsole(t)
			id := c.send(t, plainMail)
			res := serveTo(c, request(http.MethodPost, "/local/feedback", `{"mail":"`+id+`","type":"`+kind+`"}`))
			if res.StatusCode != http.StatusOK || len(c.events) != 1 {
				t.Fatalf("got %d and %d events", res.StatusCode, len(c.events))
			}
			var event struct {
				Source string
				Detail map[string]any
			}
			if err := json.Unmarshal(c.events[0], &event); err != nil {
				t.Fatal(err)
			}
			if got := event.Detail["mail"].(map[string]any)["messageId"]; got != id || event.Source != "aws.ses" {
				t.Errorf("it is about %v from %s", got, event.Source)
			}
			delete(event.Detail, "mail")
			delete(event.Detail[kind].(map[string]any), "feedbackId")
			want["eventType"] = strings.ToUpper(kind[:1]) + kind[1:]
			if diff := cmp.Diff(want, event.Detail); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("AFailureIsInTheAnswer", func(t *testing.T) {
		c := newTestConsole(t)
		id := c.send(t, plainMail)
		c.failure = errors.New("the table is down")
		res := serveTo(c, request(http.MethodPost, "/local/feedback", `{"mail":"`+id+`","type":"bounce"}`))
		problem := decode(t, res)
		if res.StatusCode != http.StatusInternalServerError || problem["detail"] != "the table is down" {
			t.Errorf("got %v", problem)
		}
	})
}

func TestConsoleIsForThisMachineOnly(t *testing.T) {
	c := newTestConsole(t)
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "localhost": 200, "[::1]:8080": 200, "127.0.0.2": 200,
		"evil.example.org": 403, "evil.example.org:8080": 403, "192.0.2.1:8080": 403, "127.0.0.1.example.org": 403,
		"": 403,
	} {
		r := request(http.MethodGet, "/local/clock", "")
		r.Host = host
		if got := serveTo(c, r).StatusCode; got != want {
			t.Errorf("%q: %d", host, got)
		}
	}
	for name, foreign := range map[string]func(*http.Request){
		"ByFetchMetadata": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"ByOrigin":        func(r *http.Request) { r.Header.Set("Origin", "https://example.org") },
	} {
		t.Run("PageOfAnotherSite"+name, func(t *testing.T) {
			for _, path := range []string{"/local/clock", "/local/token", "/local/ses", "/local/feedback"} {
				r := request(http.MethodPost, path, `{"advance":"1h"}`)
				foreign(r)
				res := serveTo(c, r)
				contentType := res.Header.Get("Content-Type")
				if res.StatusCode != http.StatusForbidden || contentType != "application/problem+json" {
					t.Errorf("%s: %d", path, res.StatusCode)
				}
			}
			if !c.clock.Now().Equal(noon) {
				t.Error("the clock has moved")
			}
		})
	}
}

func page(t *testing.T, c *testConsole, path string) *goquery.Document {
	t.Helper()
	res := serveTo(c, fromBrowser(http.MethodGet, path, ""))
	policy := res.Header.Get("Content-Security-Policy")
	if res.StatusCode != http.StatusOK || !strings.Contains(policy, "default-src 'none'") {
		t.Fatalf("%s: %d, %v", path, res.StatusCode, res.Header)
	}
	doc, err := goquery.NewDocumentFromReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestInboxPage(t *testing.T) {
	c := newTestConsole(t)

	t.Run("LinksToTheDemoEventAndTheMails", func(t *testing.T) {
		doc := page(t, c, "/local")
		for _, href := range []string{"/e/samskabelse", "/", "/local/mails"} {
			if doc.Find(`a[href="`+href+`"]`).Length() == 0 {
				t.Errorf("no link to %s", href)
			}
		}
		if !strings.Contains(doc.Find("#inbox ~ p").Text(), "No mail yet") {
			t.Error("nothing says that the inbox is empty")
		}
		if got := doc.Find(".time").Text(); got != "Mon 30 Nov 2026 13:00:00" {
			t.Errorf("it is %s", got)
		}
	})
	t.Run("ButtonsMoveTheClock", func(t *testing.T) {
		want := map[string]string{
			"A day before": "2026-11-30T13:00:00Z", "10 minutes before": "2026-12-01T12:50:00Z",
			"An hour after the end": "2026-12-01T15:00:00Z",
		}
		page(t, c, "/local").Find("button[name=now]").Each(func(_ int, b *goquery.Selection) {
			if at, listed := want[b.Text()]; listed {
				delete(want, b.Text())
				if got := b.AttrOr("value", ""); got != at {
					t.Errorf("%s: %s", b.Text(), got)
				}
			}
		})
		if len(want) != 0 {
			t.Errorf("no buttons for %v", want)
		}
		res := serveTo(c, fromBrowser(http.MethodPost, "/local/clock", "advance=24h"))
		moved := c.clock.Now().Equal(noon.Add(24 * time.Hour))
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/local" || !moved {
			t.Errorf("got %d to %s", res.StatusCode, res.Header.Get("Location"))
		}
		back := page(t, c, "/local").Find("button[name=advance]").Last()
		serveTo(c, fromBrowser(http.MethodPost, "/local/clock", "advance="+back.AttrOr("value", "")))
		if !c.clock.Now().Equal(noon) {
			t.Errorf("%s leads to %s", back.Text(), c.clock.Now())
		}
	})
	t.Run("FailuresAreShownAndStopped", func(t *testing.T) {
		serveTo(c, fromBrowser(http.MethodPost, "/local/ses", "fail=throttle&times=2"))
		if got := page(t, c, "/local").Find("#ses ~ form p").Text(); got != "The next 2 sends fail: throttle" {
			t.Errorf("got %s", got)
		}
		serveTo(c, fromBrowser(http.MethodPost, "/local/ses", "fail=off"))
		if page(t, c, "/local").Find("#ses ~ form p").Length() != 0 {
			t.Error("failures are still shown")
		}
	})
	t.Run("NewestFirstInPages", func(t *testing.T) {
		var ids []string
		for range 51 {
			ids = append(ids, c.send(t, plainMail))
		}
		doc := page(t, c, "/local")
		links := doc.Find(".mails a")
		if links.Length() != 50 || links.First().AttrOr("href", "") != "/local/mails/"+ids[50] {
			t.Errorf("%d mails from %s", links.Length(), links.First().AttrOr("href", ""))
		}
		older := page(t, c, doc.Find("a[rel=next]").AttrOr("href", ""))
		if links := older.Find(".mails a"); links.Length() != 1 || links.AttrOr("href", "") != "/local/mails/"+ids[0] {
			t.Errorf("%d older mails", links.Length())
		}
	})
	t.Run("WorksWithoutTheDemoEvent", func(t *testing.T) {
		c.failure = errors.New("the table is down")
		defer func() { c.failure = nil }()
		if got := page(t, c, "/local").Find(".time").Text(); got != "Mon 30 Nov 2026 12:00:00" {
			t.Errorf("it is %s", got)
		}
	})
}

func TestMailPage(t *testing.T) {
	c := newTestConsole(t)
	id := c.sendInvitation(t)
	doc := page(t, c, "/local/mails/"+id)

	t.Run("TheMailIsInASandbox", func(t *testing.T) {
		frame := doc.Find("iframe")
		if sandbox := frame.AttrOr("sandbox", "absent"); strings.Contains(sandbox, "scripts") || sandbox == "absent" {
			t.Errorf("sandbox is %s", sandbox)
		}
		want := `<html><head><base target="_blank"><title>Hej</title></head>` +
			"<body><p>Hej Anna, æøå</p></body></html>\n"
		if got := frame.AttrOr("srcdoc", ""); got != want {
			t.Errorf("frame holds %q", got)
		}
		if got := doc.Find("h1").Text(); got != "Tilmelding til Samskabelse på dagsordenen" {
			t.Errorf("headed %s", got)
		}
	})
	t.Run("HasEveryPart", func(t *testing.T) {
		base := "/local/mails/" + id
		for _, href := range []string{base + "/raw", base + "/calendar.ics", base + "/attachments/0"} {
			if doc.Find(`a[href="`+href+`"]`).Length() != 1 {
				t.Errorf("no link to %s", href)
			}
		}
		text, headers := doc.Find("#text ~ pre").Text(), doc.Find("details").Text()
		if !strings.Contains(text, "Du er tilmeldt på æøå.") || !strings.Contains(headers, "X-Note") {
			t.Error("text or headers are missing")
		}
	})
	t.Run("AReportLeadsBackToThePage", func(t *testing.T) {
		res := serveTo(c, fromBrowser(http.MethodPost, "/local/feedback", "mail="+id+"&type=bounce"))
		if res.StatusCode != http.StatusSeeOther || len(c.events) != 1 {
			t.Fatalf("got %d, %d events", res.StatusCode, len(c.events))
		}
		got := page(t, c, res.Header.Get("Location")).Find("[role=status]").Text()
		if !strings.Contains(got, "bounce") {
			t.Errorf("it says %s", got)
		}
	})
	t.Run("AMailWithoutHTMLHasNoFrame", func(t *testing.T) {
		if page(t, c, "/local/mails/"+c.send(t, plainMail)).Find("iframe").Length() != 0 {
			t.Error("an empty frame")
		}
	})
	t.Run("HostileMailIsEscaped", func(t *testing.T) {
		id := c.send(t, "From: a@example.dk\r\nSubject: <script>alert(1)</script>\r\nX-Bad: \"><img src=x>\r\n"+
			"Content-Type: text/html\r\n\r\n\"></iframe><script>alert(1)</script>")
		doc := page(t, c, "/local/mails/"+id)
		if doc.Find("script, img").Length() != 0 {
			t.Error("the mail's elements are in the page")
		}
		if page(t, c, "/local").Find("script").Length() != 0 {
			t.Error("the mail's elements are in the inbox")
		}
	})
}

func TestTokenPage(t *testing.T) {
	c := newTestConsole(t)
	res := serveTo(c, fromBrowser(http.MethodPost, "/local/token", ""))
	text := body(t, res)
	example := "curl -H 'Authorization: Bearer dt_secret' http://127.0.0.1:8080/api/v1/events"
	if res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(text, example) {
		t.Errorf("got %s", text)
	}
}

func TestBrowsersGetProblemsAsPages(t *testing.T) {
	res := serveTo(newTestConsole(t), fromBrowser(http.MethodPost, "/local/clock", "now=tomorrow"))
	doc, err := goquery.NewDocumentFromReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := doc.Find("main").Text()
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(text, `"tomorrow" is no RFC 3339 time`) {
		t.Errorf("got %d %s", res.StatusCode, text)
	}
}

// TestFromCanBeParsed checks the sender's address with another parser.
func TestFromCanBeParsed(t *testing.T) {
	c := newTestConsole(t)
	c.sendInvitation(t)
	from, err := mail.ParseAddress(c.ses.Mails()[0].From)
	if err != nil || from.Name != "Tænketank" {
		t.Errorf("got %v, %v", from, err)
	}
}
