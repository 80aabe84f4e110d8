package config

// Option says more about a setting than its name, default and documentation.
type Option interface{ apply(k *key) }

type optionFunc func(k *key)

func (f optionFunc) apply(k *key) { f(k) }

// importance orders settings by how many users need them.
type importance int

const (
	high importance = iota
	medium
	low
)

// The importance of a setting. Defaults to Medium.
const (
	High   = high
	Medium = medium
	Low    = low
)

func (i importance) apply(k *key) { k.importance = i }

// String is Kafka's name of it.
func (i importance) String() string {
	switch i {
	case high:
		return "HIGH"
	case low:
		return "LOW"
	case medium:
	}
	return "MEDIUM"
}

// Width says how wide an input field for the setting should be.
type Width int

// The widths. Defaults to WidthNone.
const (
	WidthNone Width = iota
	WidthShort
	WidthMedium
	WidthLong
)

func (w Width) apply(k *key) { k.width = w }

// String is Kafka's name of it.
func (w Width) String() string {
	switch w {
	case WidthShort:
		return "SHORT"
	case WidthMedium:
		return "MEDIUM"
	case WidthLong:
		return "LONG"
	case WidthNone:
	}
	return "NONE"
}

// Required takes the default away: the setting must be given.
func Required() Option { return optionFunc(func(k *key) { k.def = noDefault{} }) }

// NullDefault makes null the default. The variable then is zero; Given tells it from a value that is zero.
func NullDefault() Option { return optionFunc(func(k *key) { k.def = nil }) }

// Default sets a default of any kind: a text to be parsed, a value of the type, or nil for null.
func Default(def any) Option { return optionFunc(func(k *key) { k.def = def }) }

// Given sets p to whether the user gave a value other than null.
func Given(p *bool) Option { return optionFunc(func(k *key) { k.given = p }) }

// Check has v look at every value, and at the default.
func Check(v Validator) Option { return optionFunc(func(k *key) { k.check = v }) }

// Group puts the setting into a group of the documentation, at a place. Settings without a group come first.
func Group(name string, order int) Option {
	return optionFunc(func(k *key) { k.group, k.order = name, order })
}

// Display is the name shown to people. Defaults to the setting's name.
func Display(name string) Option { return optionFunc(func(k *key) { k.display = name }) }

// Dependents names settings of the same Definer that are of no use without this one.
func Dependents(names ...string) Option {
	return optionFunc(func(k *key) { k.dependents = append(k.dependents, names...) })
}

// Recommend has r say which values are good and whether the setting is of use, given the other settings.
func Recommend(r Recommender) Option { return optionFunc(func(k *key) { k.recommender = r }) }

// Resolve says which class names a CLASS may have.
func Resolve(r Resolver) Option { return optionFunc(func(k *key) { k.resolve = r }) }

// Internal hides the setting from documentation. It can be set all the same.
func Internal() Option { return optionFunc(func(k *key) { k.internal = true }) }

// Borrowed says that the setting is somebody else's, such as connector.class, and only read here: it is neither judged
// nor listed nor documented again.
func Borrowed() Option { return optionFunc(func(k *key) { k.borrowed = true }) }

// Deprecated notes in the documentation what to use instead.
func Deprecated(use string) Option { return optionFunc(func(k *key) { k.deprecated = use }) }

// Resolver looks up a class name as configurations have it, and returns the class's full name.
type Resolver func(name string) (class string, found bool)

// Recommender helps people and forms to choose.
type Recommender interface {
	// ValidValues returns the values that are good for the setting, given all parsed values; none means any.
	ValidValues(name string, parsed map[string]any) ([]any, error)
	// Visible tells whether the setting is of use, given all parsed values.
	Visible(name string, parsed map[string]any) bool
}
