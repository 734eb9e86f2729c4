"""The bus on Apache Kafka, with everything that touches the library or names what is in the cluster."""
