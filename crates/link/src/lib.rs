//! Push service and device on MQTT: packets, topics, properties, session rules.
