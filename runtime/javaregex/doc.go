// Package javaregex understands Java's regular expressions, which Kafka Connect's settings hold, and reports the mistakes
// in them in Java's words.
//
// An expression is parsed as Java does it and translated: for Go's regexp, whose matches take time linear in the text, when
// that has all the expression needs; and else for one that backtracks, as Java's does, for look-around, back references and
// possessive or atomic groups. What neither has is refused: grapheme clusters, Unicode blocks and names of characters.
package javaregex
