package deltag

import (
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // the provided.al2023 runtime ships no time zone database
)

// A Language is one that pages and mails are written in.
type Language string

const (
	LanguageDanish  Language = "da"
	LanguageEnglish Language = "en"
)

// Languages lists all of them, the default first.
var Languages = []Language{LanguageDanish, LanguageEnglish}

// IsSupported says whether l is one of Languages.
func (l Language) IsSupported() bool { return slices.Contains(Languages, l) }

// LoadLocation loads an IANA time zone, once per process. Unlike time.LoadLocation it refuses "" and "Local", whose
// meaning depends on the machine. ErrNotFound, or the error of time.LoadLocation.
func LoadLocation(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, ErrNotFound
	}
	if z, ok := locationCache.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		locationCache.Store(name, z) // some 600 names exist
	}
	return z, err
}

var locationCache sync.Map
