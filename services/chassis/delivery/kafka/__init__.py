"""The bus on Apache Kafka, with everything that touches the library or the names of what is in the cluster."""
