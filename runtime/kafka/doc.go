// Package kafka holds all that speaks Kafka for Sluice's functions.
//
// The way in, for sinks: [Decoder] turns the JSON event a Kafka trigger sends into an [Event], and [Response] is the
// answer that names what was not done. [Encoder] builds such events, for the desk's own trigger and for tests.
//
// The way out, for sources and dead letters: [Producer] sends slabs of records and tells, batch by batch, when Kafka
// has acknowledged them. [TopicGroup] says how topics that do not exist yet are to be created.
//
// The rest: [ClientOptions] and [ProducerOptions] read the settings people know from the Java clients, and [Admin]
// looks at and changes consumer group offsets.
//
// The package imports none of Sluice's others, and no AWS library: credentials come in through [Credentials].
package kafka
