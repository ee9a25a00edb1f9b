package deltag

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestIsID(t *testing.T) {
	for s, want := range map[string]bool{
		"aaaaaaaaaaaaaaaaaaaa": true, "zzzzzzzzzz2222277777": true, "": false, strings.Repeat("a", 19): false,
		strings.Repeat("a", 21): false, "aaaaaaaaaaaaaaaaaaa1": false, "aaaaaaaaaaaaaaaaaaa8": false,
		"Aaaaaaaaaaaaaaaaaaaa": false, "aaaaaaaaaa.aaaaaaaaa": false, "aaaaaaaaaaaaaaaaaaa{": false,
		"aaaaaaaaaaaaaaaaaaa`": false,
	} {
		assertEqual(t, IsID(s), want)
	}
}

func TestNewID(t *testing.T) {
	id, err := NewID(bytes.NewReader(bytes.Repeat([]byte{0xff}, 13)))
	assertEqual(t, id, strings.Repeat("7", 20))
	assertEqual(t, err, nil)
	if _, err := NewID(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: %v", err)
	}
	if _, err := NewSecret(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: %v", err)
	}
}

func TestRegistrationID(t *testing.T) {
	e := testEvent()
	a := RegistrationID(e, Address{Original: "A@example.dk", Normalized: "a@example.dk"})
	assertEqual(t, IsID(a), true)
	assertEqual(t, RegistrationID(e, Address{Original: "a@EXAMPLE.dk", Normalized: "a@example.dk"}), a)
	other := testEvent()
	other.Secret = []byte("another secret..")
	if RegistrationID(other, Address{Normalized: "a@example.dk"}) == a {
		t.Error("the id is the same at another event")
	}
}

func TestGenerationDiffersBySecret(t *testing.T) {
	r, again := testRegistration(), testRegistration()
	again.Secret = []byte("another secret..")
	if r.Generation() == "" || r.Generation() == again.Generation() {
		t.Errorf("%q and %q", r.Generation(), again.Generation())
	}
	assertEqual(t, len(r.Generation()), 8)
	assertEqual(t, Registration{}.Generation(), "")
}
