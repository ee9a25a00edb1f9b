package municipality

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A directory finds municipalities by their place in all.
type directory struct {
	all      []Municipality
	byName   map[string]int // folded names and spellings, words separated by a space
	byLength map[int][]spelling
	byDomain map[string]int
	maxWords int // of a name
}

type spelling struct {
	name string // folded
	id   int
}

// nobody is no municipality.
const nobody = -1

// units are words that stand for the municipality beside its name, as no private company has such a unit.
var units = foldAll("Jobcenter", "Jobcenteret", "Jobcentret", "Borgerservice", "Rådhus", "Rådhuset", "Byråd",
	"Byrådet", "Kommunalbestyrelsen")

// foldAll folds words at the first call of what it returns, and not when the function starts.
func foldAll(words ...string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		folded := map[string]bool{}
		for _, w := range words {
			folded[strings.Join(flatten(fold(w)), " ")] = true
		}
		return folded
	})
}

func flatten(parts [][]string) []string { return slices.Concat(parts...) }

// add takes the data of all[id].
func (d *directory) add(id int, spellings []string) error {
	for _, typed := range spellings {
		words := splitCompounds(flatten(fold(typed)))
		if isKommune(words[len(words)-1]) {
			words = words[:len(words)-1]
		}
		name := strings.Join(words, " ")
		if other, taken := d.byName[name]; taken && other != id {
			return fmt.Errorf("%s: two have this spelling", typed)
		}
		d.byName[name] = id
		d.byLength[len(name)] = append(d.byLength[len(name)], spelling{name, id})
		d.maxWords = max(d.maxWords, len(words))
	}
	for _, domain := range d.all[id].Domains {
		if _, taken := d.byDomain[domain]; taken {
			return fmt.Errorf("%s: two have this domain", domain)
		}
		d.byDomain[domain] = id
	}
	return nil
}

// Match finds the municipality of a registration, by its organisation as it was typed and its address. ok is false
// when there is none, or when several are named.
//
// What is named with the word "Kommune" counts most, with one typing mistake at most; then the domain of the address,
// and its parent domains; then an organisation that is nothing but a name, like "Odense" or "Jobcenter Odense". So
// "Odense Universitet" is none, unless the domain is the municipality's.
func Match(organisation, email string) (m Municipality, ok bool) {
	d := load()
	id := d.match(d.readOrganisation(fold(organisation)), email)
	if id == nobody {
		return Municipality{}, false
	}
	return d.all[id], true
}

func (d *directory) match(organisation reading, email string) int {
	if organisation.isKommune {
		return organisation.id
	}
	if id := d.findDomain(email); id != nobody {
		return id
	}
	return organisation.id
}

func (d *directory) findDomain(email string) int {
	_, domain, _ := strings.Cut(email, "@")
	domain = strings.ToLower(domain)
	for domain != "" {
		if id, known := d.byDomain[domain]; known {
			return id
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nobody
}

// A reading is what an organisation says about its municipality.
type reading struct {
	id        int  // nobody: none, or several
	isKommune bool // named with the word "Kommune"
}

func (d *directory) readOrganisation(parts [][]string) reading {
	var named []int
	for _, words := range parts {
		named = append(named, d.findNamed(splitCompounds(words))...)
	}
	slices.Sort(named)
	switch named = slices.Compact(named); len(named) {
	case 0:
		return reading{id: d.findBare(splitCompounds(flatten(parts)))}
	case 1:
		return reading{id: named[0], isKommune: true}
	default:
		return reading{id: nobody}
	}
}

// findNamed finds what the words name as a municipality: "Hedensted Kommune", "Municipality of Hedensted".
func (d *directory) findNamed(words []string) (ids []int) {
	for i, w := range words {
		isLast := i == len(words)-1
		switch {
		case (isKommune(w) || w == "city") && !isLast && words[i+1] == "of":
			if id, n := d.findAtStart(words[i+2:]); n > 0 {
				ids = append(ids, id)
			}
		case isKommune(w), w == "kom" && isLast:
			ids = append(ids, d.findBefore(words[:i])...)
		}
	}
	return ids
}

// findBefore finds the municipality at the end of the words, and both in "Ishøj og Vallensbæk".
func (d *directory) findBefore(words []string) (ids []int) {
	id, n := d.findAtEnd(words)
	if n == 0 {
		if id = d.findMistyped(words); id != nobody {
			ids = append(ids, id)
		}
		return ids
	}
	words = words[:len(words)-n]
	if len(words) > 0 && words[len(words)-1] == "og" {
		words = words[:len(words)-1]
	}
	if other, n := d.findAtEnd(words); n > 0 {
		ids = append(ids, other)
	}
	return append(ids, id)
}

// findBare finds the municipality of words that are nothing but its names and units.
func (d *directory) findBare(words []string) int {
	found := nobody
	for len(words) > 0 {
		if units()[words[0]] || isKommune(words[0]) {
			words = words[1:]
			continue
		}
		id, n := d.findAtStart(words)
		if n == 0 || found != nobody && found != id {
			return nobody
		}
		found, words = id, words[n:]
	}
	return found
}

// findAtStart finds the longest name that the words begin with, and how many words it has: 0 when there is none.
func (d *directory) findAtStart(words []string) (id, n int) {
	for n := min(d.maxWords, len(words)); n > 0; n-- {
		if id, ok := d.findName(words[:n]); ok {
			return id, n
		}
	}
	return nobody, 0
}

// findAtEnd does the same for the name that they end with.
func (d *directory) findAtEnd(words []string) (id, n int) {
	for n := min(d.maxWords, len(words)); n > 0; n-- {
		if id, ok := d.findName(words[len(words)-n:]); ok {
			return id, n
		}
	}
	return nobody, 0
}

// findName finds a name, also with the s of a genitive: "Københavns".
func (d *directory) findName(words []string) (id int, ok bool) {
	name := strings.Join(words, " ")
	if id, ok = d.byName[name]; !ok {
		id, ok = d.byName[strings.TrimSuffix(name, "s")]
	}
	return id, ok
}

// kommune is the word; its forms kommunes, kommunen and kommuner are one letter away, as a mistyped one is.
const kommune = "kommune"

func isKommune(word string) bool {
	return word == kommune || word == "municipality" || isOneMistakeApart(word, kommune)
}

// splitCompounds makes "bornholms kommune" of "bornholmskommune".
func splitCompounds(words []string) []string {
	if !slices.ContainsFunc(words, isCompound) {
		return words
	}
	var split []string
	for _, w := range words {
		if isCompound(w) {
			i := strings.LastIndex(w, kommune)
			split = append(split, w[:i])
			w = w[i:]
		}
		split = append(split, w)
	}
	return split
}

// isCompound finds words that end with "kommune", or with that and one letter more.
func isCompound(word string) bool {
	i := strings.LastIndex(word, kommune)
	return i > 0 && len(word)-i <= len(kommune)+1 && !isKommune(word)
}
