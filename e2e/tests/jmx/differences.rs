//! What differs from a Java router, and why.

/// Beans that are not there. `*` at the end stands for anything.
pub(super) const ABSENT: &[(&str, &str)] = &[
    ("Hadoop:service=Router,name=MetricsSystem,sub=*", "Hadoop's metrics system, in whose place Prometheus reads"),
    ("JMImplementation:*", "of the Java virtual machine"),
    ("com.sun.management:*", "of the Java virtual machine"),
    ("java.lang:*", "of the Java virtual machine"),
    ("java.nio:*", "of the Java virtual machine"),
    ("java.util.logging:*", "of the Java virtual machine"),
    ("jdk.management.jfr:*", "of the Java virtual machine"),
];

/// Attributes that are not there: the end of the bean's name, the attribute, the reason.
pub(super) const MISSING: &[(&str, &str, &str)] = &[
    ("name=JvmMetrics", "GcCountCopy", "named for a garbage collector"),
    ("name=JvmMetrics", "GcTimeMillisCopy", "named for a garbage collector"),
    ("name=JvmMetrics", "GcCountMarkSweepCompact", "named for a garbage collector"),
    ("name=JvmMetrics", "GcTimeMillisMarkSweepCompact", "named for a garbage collector"),
];

/// Beans whose attributes vary with the version of the Java virtual machine; ours are those of 17.
pub(super) const PLATFORM: &[&str] = &["java.lang:type=Memory", "java.lang:type=Runtime", "java.lang:type=Threading"];

/// Beans that a Java router does not have.
pub(super) const EXTRA: &[&str] = &[];

/// Texts in which there is nothing where a Java router has something.
pub(super) const EMPTY: &[(&str, &str, &str)] = &[
    ("name=FederationRPC", "ProxyOpPermitAcceptedPerNs", "there are no permits"),
    ("name=RpcActivityForPortADMIN", "tag.NumOpenConnectionsPerUser", "not measured"),
];

/// Whether a name is the pattern, or begins with what is before its `*`.
pub(super) fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}
