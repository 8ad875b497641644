package codec

import (
	"errors"
	"fmt"
	"strings"
)

// kind is one codec of the list.
type kind struct {
	word string
	make func(Options) (Codec, error)
}

// kinds lists all codecs. The first one is the default.
var kinds = []kind{
	{"peerpigeon", newPeerPigeon},
	{textWord, newText},
}

// Options configure a codec.
type Options struct {
	Networks int   // over which the peers are spread
	Text     *Text // templates, nil for none
}

// errNoTemplates is the error of a codec that has no templates.
var errNoTemplates = errors.New("it has no templates: those are for the text codec")

// New returns the codec of a word. The empty word selects the text codec if there are
// templates, and the default otherwise.
func New(word string, o Options) (Codec, error) {
	switch {
	case word == "" && o.Text != nil:
		word = textWord
	case word == "":
		word = kinds[0].word
	}
	for _, k := range kinds {
		if k.word == word {
			c, err := k.make(o)
			if err != nil {
				return nil, fmt.Errorf("codec %s: %w", word, err)
			}
			return c, nil
		}
	}
	return nil, fmt.Errorf("no codec %q; there are %s", word, strings.Join(Words(), ", "))
}

// Words returns the words of all codecs, the default first.
func Words() []string {
	var words []string
	for _, k := range kinds {
		words = append(words, k.word)
	}
	return words
}
