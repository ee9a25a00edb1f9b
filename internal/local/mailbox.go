package local

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"deltag/internal/deltag"
)

// A mailbox keeps each mail in a file of its own.
type mailbox struct {
	folder string

	mu         sync.Mutex
	lastNumber uint64
	mails      []Mail // oldest first
	// deleted are mails to erased people. They are no longer on disk, but can be read until the process ends.
	deleted map[string]storedMail
}

// A storedMail is the content of a mail's file. The file's name is the id, with the suffix unpublished until the mail's
// Send event is published, and published after.
type storedMail struct {
	ID               string              `json:"id"`
	At               time.Time           `json:"at"`
	From             string              `json:"from"`
	To               []string            `json:"to"`
	Tags             map[string][]string `json:"tags"`
	ConfigurationSet string              `json:"configurationSet,omitempty"`
	Raw              []byte              `json:"raw"`
}

const (
	published   = ".json"
	unpublished = ".new" + published
)

func openMailbox(folder string) (*mailbox, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	b := &mailbox{folder: folder, deleted: map[string]storedMail{}}
	files, err := filepath.Glob(filepath.Join(folder, "*"+published)) // both suffixes, in the order of the ids
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := b.load(file); err != nil {
			return nil, fmt.Errorf("mail %s: %w", file, err)
		}
	}
	return b, nil
}

func (b *mailbox) load(file string) error {
	stored, err := readMailFile(file)
	if err != nil {
		return err
	}
	m, err := stored.parse()
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(stored.ID[:idDigits], 16, 64)
	if err != nil {
		return err
	}
	b.lastNumber = max(b.lastNumber, number)
	b.mails = append(b.mails, m)
	return nil
}

func readMailFile(file string) (storedMail, error) {
	var m storedMail
	text, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if len(m.ID) < idDigits {
		return m, errors.New("no id")
	}
	return m, nil
}

func (m storedMail) parse() (Mail, error) {
	parsed := Mail{
		ID: m.ID, At: m.At, From: m.From, To: m.To, Kind: m.tag("kind"), Delivery: m.tag("delivery"),
		RawURL: "/local/mails/" + m.ID + "/raw",
	}
	return parsed, parsed.read(m.Raw)
}

func (m storedMail) tag(name string) string { return strings.Join(m.Tags[name], " ") }

// Mails are all of them, oldest first.
func (b *mailbox) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

// Mail is the one with an id.
func (b *mailbox) Mail(id string) (Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := slices.BinarySearchFunc(b.mails, id, compareID)
	if !found {
		return Mail{}, false
	}
	return b.mails[at], true
}

// Raw is the message as SES got it.
func (b *mailbox) Raw(id string) ([]byte, error) {
	m, err := b.stored(id)
	return m.Raw, err
}

// stored reads a mail's file, which may be renamed at any moment, from unpublished to published.
func (b *mailbox) stored(id string) (storedMail, error) {
	b.mu.Lock()
	m, ok := b.deleted[id]
	b.mu.Unlock()
	if ok {
		return m, nil
	}
	m, err := readMailFile(b.file(id, unpublished))
	if errors.Is(err, fs.ErrNotExist) {
		return readMailFile(b.file(id, published))
	}
	return m, err
}

func (b *mailbox) file(id, suffix string) string { return filepath.Join(b.folder, id+suffix) }

// idDigits is the length of the number that each id begins with. SES's ids begin with the time; here they are counted,
// because the clock can be moved backwards, and ids must sort by age.
const idDigits = 16

// add stores a mail and returns its new id. The mail is on disk when add returns.
func (b *mailbox) add(m storedMail, now time.Time) (string, error) {
	m.ID, m.At = newMessageID(b.nextNumber()), now
	parsed, err := m.parse()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	if err := writeFile(b.file(m.ID, unpublished), text); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at, _ := slices.BinarySearchFunc(b.mails, m.ID, compareID) // one with a higher number may have been quicker
	b.mails = slices.Insert(b.mails, at, parsed)
	return m.ID, nil
}

func (b *mailbox) nextNumber() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastNumber++
	return b.lastNumber
}

func compareID(m Mail, id string) int { return strings.Compare(m.ID, id) }

// newMessageID has the form of SES's ids.
func newMessageID(number uint64) string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	text := hex.EncodeToString(random)
	return fmt.Sprintf("%0*x-%s-%s-%s-%s-%s-000000",
		idDigits, number, text[:8], text[8:12], text[12:16], text[16:20], text[20:])
}

// unpublishedFiles are the files of mails whose Send event is not published, oldest first.
func (b *mailbox) unpublishedFiles() ([]string, error) {
	return filepath.Glob(filepath.Join(b.folder, "*"+unpublished))
}

// markPublished also deletes a mail to an address that is stored nowhere else any more.
func (b *mailbox) markPublished(m storedMail) error {
	if deltag.MailKind(m.tag("kind")).IsFinal() {
		return b.delete(m)
	}
	err := os.Rename(b.file(m.ID, unpublished), b.file(m.ID, published))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	return err
}

// DeleteMailsTo deletes from disk all mails whose delivery tag has a prefix: those of an event, or of one of its
// registrations. Mails that are still to be sent to an erased person are deleted by markPublished instead.
func (b *mailbox) DeleteMailsTo(prefix string) error {
	var errs []error
	for _, m := range b.Mails() {
		if !strings.HasPrefix(m.Delivery, prefix) || deltag.MailKind(m.Kind).IsFinal() {
			continue
		}
		stored, err := b.stored(m.ID)
		if err == nil {
			err = b.delete(stored)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// delete removes both possible files: the mail may be marked as published at this moment.
func (b *mailbox) delete(m storedMail) error {
	b.mu.Lock()
	b.deleted[m.ID] = m
	b.mu.Unlock()
	for _, suffix := range []string{unpublished, published} {
		if err := os.Remove(b.file(m.ID, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
