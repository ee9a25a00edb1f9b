package deltag

import "slices"

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
