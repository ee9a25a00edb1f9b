package internal_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"deltag/internal/deltag"
	"deltag/internal/testing/moto"
	"deltag/internal/testing/storetest"
)

// TestOnMoto takes an event through the built functions on a DynamoDB and an SES that others have written. It asks moto,
// not Deltag, what was stored and sent.
func TestOnMoto(t *testing.T) {
	endpoint, ok := moto.Start(t)
	if !ok {
		return
	}
	verifySender(t, endpoint)
	w := newMotoWalk(t, endpoint)
	w.signUp()
	w.cancel()
	w.report()
	w.remind()
	w.export()
	w.erase()
	w.recount()
}

// verifySender makes the sender's domain one that may send.
func verifySender(t *testing.T, endpoint string) {
	t.Helper()
	admin := sesv2.New(sesv2.Options{
		BaseEndpoint: &endpoint, Region: "eu-north-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	identity := &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("example.dk")}
	if _, err := admin.CreateEmailIdentity(t.Context(), identity); err != nil {
		t.Fatal(err)
	}
}

// A motoWalk is an event with two seats, as organiser and visitors use it.
type motoWalk struct {
	users
	engine   storetest.Engine
	endpoint string
	event    deltag.Event // as it was made
	seen     int          // how many mails a step before has checked
}

func newMotoWalk(t *testing.T, endpoint string) *motoWalk {
	engine := storetest.NewEngine(t, endpoint)
	d := newDeploymentWith(t, engine, endpoint)
	w := &motoWalk{engine: engine, endpoint: endpoint, users: users{
		deployment: d, token: d.newToken(), site: d.start("site"), organiser: d.start("organiser"),
		mailer: d.start("mailer"), feedback: d.start("feedback"),
	}}
	start := time.Now().AddDate(0, 0, 8).UTC().Truncate(time.Second)
	made := w.api("POST", "/events", fmt.Sprintf(`{"slug":"sal","title":"Blåbær & brød","capacity":2,"verify":"never",
		"organiser":{"name":"UKON","email":"hej@example.dk"},"reminders":[{"offset":"-PT1H"}],"dailyNote":false,
		"startsAt":%q,"endsAt":%q}`, start.Format(time.RFC3339), start.Add(time.Hour).Format(time.RFC3339)), 201)
	var err error
	w.event, err = d.store.Event(context.Background(), made["id"].(string))
	d.must(err)
	return w
}

func (w *motoWalk) path(rest string) string { return "/events/" + w.event.ID + rest }

// signUp fills the event: by the form, by JSON, and for the last one there is no seat.
func (w *motoWalk) signUp() {
	w.t.Helper()
	w.visit("POST", "/e/sal/registrations", "name=Anna&email=anna@example.dk", 303)
	for _, name := range []string{"Bo", "Åse"} {
		body := fmt.Sprintf(`{"name":%q,"email":"%s@example.dk"}`, name, map[string]string{"Bo": "bo", "Åse": "aase"}[name])
		signUp := request("POST", "/api/v1/public/events/sal/registrations", []byte(body), "Content-Type: application/json")
		if res := httpCall(w.t, w.site, signUp); res.StatusCode != 202 {
			w.t.Fatalf("%d %s\n%s", res.StatusCode, res.Body, w.site.Output())
		}
	}
	w.tick()
	w.wantMails("anna confirmation REQUEST", "bo confirmation REQUEST", "aase waiting")
	w.wantCounts(2, 1, 0)
}

// cancel gives Anna's seat up by the link in her mail. It goes to Åse, who waits.
func (w *motoWalk) cancel() {
	w.t.Helper()
	link := regexp.MustCompile(`https://deltag\.example\.dk(/r/\S+)`)
	var path string
	for _, m := range w.mails() {
		if found := link.FindStringSubmatch(m.text); found != nil && m.to == "anna" {
			path = found[1]
		}
	}
	w.visit("GET", path, "", 200)
	w.visit("POST", path+"/cancel", "", 303)
	w.tick()
	w.wantMails("anna withdrawn CANCEL", "aase promoted REQUEST")
	w.wantCounts(2, 0, 1)
}

// report has SES report that Bo's mail was delivered, and that Åse's address does not exist. A message to all then goes
// to Bo alone.
func (w *motoWalk) report() {
	w.t.Helper()
	w.sesEvent("ses-delivery.json", w.delivery("bo", deltag.KindConfirmation))
	w.sesEvent("ses-bounce-permanent.json", w.delivery("aase", deltag.KindPromoted))
	want(w.t, w.delivery("bo", deltag.KindConfirmation).Status, deltag.DeliveryDelivered)
	want(w.t, w.delivery("aase", deltag.KindPromoted).Status, deltag.DeliveryBounced)
	w.api("POST", w.path("/messages"), `{"audience":"confirmed","text":"Tag blåbær med, {name}."}`, 202)
	w.tick()
	sent := w.wantMails("bo message")
	if !strings.Contains(sent[0].text, "Tag blåbær med, Bo.") {
		w.t.Errorf("the message: %s", sent[0].text)
	}
	want(w.t, w.partitions()["SUPPRESSED"], 1)
}

// remind moves the event, so that its reminder is due two seconds later, and ticks until it is sent.
func (w *motoWalk) remind() {
	w.t.Helper()
	start := time.Now().Add(time.Hour + 2*time.Second).UTC()
	w.api("PATCH", w.path(""), fmt.Sprintf(`{"startsAt":%q,"endsAt":%q}`,
		start.Format(time.RFC3339Nano), start.Add(time.Hour).Format(time.RFC3339Nano)), 200)
	w.api("POST", w.path("/notice"), "", 200)
	w.tick()
	w.wantMails("bo moved REQUEST")
	for deadline := time.Now().Add(30 * time.Second); len(w.mails()) == w.seen; w.tick() {
		if time.Now().After(deadline) {
			w.t.Fatalf("no reminder\n%s", w.mailer.Output())
		}
	}
	if due := start.Add(-time.Hour); time.Now().Before(due) {
		w.t.Errorf("sent before %s", due)
	}
	w.wantMails("bo reminder-PT1H")
}

// export reads the list of attendees as Danish Excel does.
func (w *motoWalk) export() {
	w.t.Helper()
	res := httpCall(w.t, w.organiser, request("GET", "/api/v1"+w.path("/registrations.csv"), nil,
		"Authorization: Bearer "+w.token))
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(res.Body, "\ufeff")))
	in.Comma = ';'
	rows, err := in.ReadAll()
	w.must(err)
	var names []string
	for _, row := range rows[1:] {
		names = append(names, row[0])
	}
	slices.Sort(names)
	want(w.t, names, []string{"Anna", "Bo", "Åse"})
}

// erase erases Bo. What is left of him is the mail that says so.
func (w *motoWalk) erase() {
	w.t.Helper()
	if !strings.Contains(fmt.Sprint(w.engine.Dump(w.t)), "bo@example.dk") {
		w.t.Error("his address is not where the test expects it")
	}
	w.api("DELETE", w.path("/registrations/"+w.registrationID("bo")), "", 204)
	w.tick()
	w.wantMails("bo (erased) CANCEL")
	w.tick()
	for _, item := range w.engine.Dump(w.t) {
		if strings.Contains(fmt.Sprint(item), "bo@example.dk") {
			w.t.Errorf("left: %v", item)
		}
	}
	w.wantCounts(1, 0, 1)
}

// recount finds nothing to correct.
func (w *motoWalk) recount() {
	w.t.Helper()
	got := w.api("POST", w.path("/recount"), "", 200)
	delete(got, "at")
	wanted := map[string]any{
		"confirmed": 0.0, "waiting": 0.0, "cancelled": 0.0, "unverified": 0.0, "seats": 0.0, "places": 0.0,
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		w.t.Errorf("recount (-want +got)\n%s", diff)
	}
}

func (w *motoWalk) wantCounts(confirmed, waiting, cancelled int) {
	w.t.Helper()
	counts := w.api("GET", w.path(""), "", 200)["counts"].(map[string]any)
	want(w.t, []any{counts["confirmed"], counts["waiting"], counts["cancelled"]}, []any{confirmed, waiting, cancelled})
}

func (w *motoWalk) registrationID(name string) string {
	return deltag.RegistrationID(w.event, deltag.Address{Normalized: name + "@example.dk"})
}

// delivery is the newest of a kind to a person. The message id must be one that moto has given.
func (w *motoWalk) delivery(name string, kind deltag.MailKind) (newest deltag.Delivery) {
	w.t.Helper()
	rows, err := w.store.DeliveriesOf(context.Background(), w.event.ID, w.registrationID(name))
	w.must(err)
	for _, row := range rows {
		if row.Kind == kind && row.Version > newest.Version {
			newest = row
		}
	}
	sent := slices.ContainsFunc(w.mails(), func(m motoMail) bool { return m.id == newest.MessageID && m.to == name })
	if !sent {
		w.t.Fatalf("%s to %s: %+v", kind, name, newest)
	}
	return newest
}

// sesEvent has a recorded event of SES happen to a mail.
func (w *motoWalk) sesEvent(file string, of deltag.Delivery) {
	w.t.Helper()
	raw, err := os.ReadFile("../events/" + file)
	w.must(err)
	var event map[string]any
	w.must(json.Unmarshal(raw, &event))
	event["time"] = time.Now() // a seat is given back a day after a bounce
	about := event["detail"].(map[string]any)["mail"].(map[string]any)
	about["messageId"] = of.MessageID
	tag := deltag.OutgoingMail{Delivery: of.DeliveryKey, Generation: of.Generation}.Tag()
	about["tags"] = map[string]any{
		"delivery": []any{tag}, "kind": []any{string(of.Kind)}, "attempt": []any{strconv.Itoa(of.Attempt)},
	}
	call[any](w.t, w.feedback, event)
}

// partitions counts the items by the word that their partition key begins with.
func (w *motoWalk) partitions() map[string]int {
	w.t.Helper()
	all := map[string]int{}
	for _, item := range w.engine.Dump(w.t) {
		word, _, _ := strings.Cut(item["PK"].(string), "#")
		all[word]++
	}
	return all
}

// wantMails compares the mails since the last time, in any order, with person, kind and method of the invitation.
func (w *motoWalk) wantMails(wanted ...string) (since []motoMail) {
	w.t.Helper()
	since = w.mails()[w.seen:]
	var got []string
	for _, m := range since {
		kind := "(erased)" // its row
		for _, row := range w.ledger(w.event) {
			if row.MessageID == m.id {
				kind = string(row.Kind)
			}
		}
		got = append(got, strings.TrimSpace(m.to+" "+kind+" "+m.method))
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, got); diff != "" {
		w.t.Fatalf("mails (-want +got)\n%s\n%s", diff, w.mailer.Output())
	}
	w.seen += len(since)
	return since
}

// A motoMail is one that moto has accepted, parsed with the standard library, which did not write it.
type motoMail struct {
	id, to, subject, text string
	method                string // of the text/calendar part; "" if there is none
}

func (w *motoWalk) mails() (all []motoMail) {
	w.t.Helper()
	for _, m := range moto.Mails(w.t, w.endpoint) {
		message, err := mail.ReadMessage(strings.NewReader(m.Raw))
		w.must(err)
		parsed := motoMail{id: m.ID}
		from, err := mail.ParseAddress(message.Header.Get("From"))
		w.must(err)
		to, err := mail.ParseAddress(message.Header.Get("To"))
		w.must(err)
		parsed.to = strings.TrimSuffix(to.Address, "@example.dk")
		parsed.subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
		w.must(err)
		w.must(parsed.readPart(message.Header.Get("Content-Type"), "", message.Body))
		if from.Address != "deltag@example.dk" || !strings.Contains(parsed.subject, "Blåbær & brød") {
			w.t.Errorf("from %s: %s", from, parsed.subject)
		}
		all = append(all, parsed)
	}
	return all
}

func (m *motoMail) readPart(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = m.readPart(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
			}
			if err != nil {
				return err
			}
		}
	}
	switch kind {
	case "text/plain":
		if encoding == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(body)
		m.text = text.String()
	case "text/calendar":
		m.method = params["method"]
	}
	return err
}
