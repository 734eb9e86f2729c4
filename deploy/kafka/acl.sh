#!/bin/sh
# Who may do what in Kafka, for a cluster with an authorizer, in which nobody may do what is not allowed.
#
#   deploy/kafka/acl.sh services                                 the services, and the step that creates topics
#   deploy/kafka/acl.sh organisation brugwerk User:brugwerk      an organisation may read its own topic
#   deploy/kafka/acl.sh revoke brugwerk User:brugwerk            and not any more
#
# Set KAFKA_SERVERS to the brokers, KAFKA_ADMIN to a properties file with the credentials of somebody who may change
# ACLs, PREFIX to what CASERELAY_KAFKA_PREFIX says, and KAFKA_ACLS where Kafka's kafka-acls.sh is not on the path.
set -eu

: "${KAFKA_SERVERS:?set it to the brokers, host:port[,host:port]}"
prefix=${PREFIX:-}caserelay

acls() {
	"${KAFKA_ACLS:-kafka-acls.sh}" --bootstrap-server "$KAFKA_SERVERS" ${KAFKA_ADMIN:+--command-config "$KAFKA_ADMIN"} "$@"
}

service() { # name: writes its own topic, reads the others', and takes part in its own groups
	user=User:caserelay-$1
	acls --add --allow-principal "$user" --operation Write --topic "$prefix.$1.v1" --topic "$prefix.progress.v1"
	acls --add --allow-principal "$user" --operation Read --topic "$prefix.referral.v1" --topic "$prefix.casefile.v1" \
		--topic "$prefix.notifications.v1" --topic "$prefix.progress.v1"
	acls --add --allow-principal "$user" --operation Read --resource-pattern-type prefixed --group "$prefix.$1."
}

organisation() { # the organisation's id, its principal in Kafka, and what to do
	id=$1 principal=$2
	shift 2
	# Its groups must not be the services' own; the dot keeps those of brugwerk-2 from brugwerk.
	case $prefix. in "$id."*) refuse "$id" ;; esac
	case $id. in "$prefix."*) refuse "$id" ;; esac
	acls "$@" --allow-principal "$principal" --operation Read --topic "$prefix.organisation.$id.v1"
	acls "$@" --allow-principal "$principal" --operation Read --resource-pattern-type prefixed --group "$id."
}

refuse() {
	echo "the groups of an organisation called $1 would be those of the services" >&2
	exit 2
}

case ${1:-} in
services)
	for name in referral casefile notifications; do service "$name"; done
	acls --add --allow-principal User:caserelay-notifications --operation Write \
		--resource-pattern-type prefixed --topic "$prefix.organisation."
	acls --add --allow-principal User:caserelay-set-up --operation Create --operation Describe \
		--resource-pattern-type prefixed --topic "$prefix."
	;;
organisation) organisation "${2:?which organisation?}" "${3:?which principal, such as User:brugwerk?}" --add ;;
revoke) organisation "${2:?which organisation?}" "${3:?which principal, such as User:brugwerk?}" --remove --force ;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 2
	;;
esac
