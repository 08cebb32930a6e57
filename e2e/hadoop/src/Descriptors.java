package anabranch;

import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.hadoop.thirdparty.protobuf.DescriptorProtos.FileDescriptorSet;
import org.apache.hadoop.thirdparty.protobuf.Descriptors.FileDescriptor;

/**
 * Collects the protocol definitions that are compiled into Hadoop's classes.
 *
 * <p>Usage: {@code java Descriptors OUT}; OUT receives a serialized FileDescriptorSet. The jars are those on the class path
 * whose names start with {@code hadoop-}.
 */
public final class Descriptors {
  private final Map<String, FileDescriptor> files = new TreeMap<>();

  public static void main(String[] args) throws Exception {
    var all = new Descriptors();
    for (var path : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (new File(path).getName().matches("hadoop-(common|hdfs).*\\.jar")) {
        try (var jar = new JarFile(path)) {
          jar.stream().map(JarEntry::getName).forEach(all::inspect);
        }
      }
    }
    var set = FileDescriptorSet.newBuilder();
    all.files.values().forEach(file -> set.addFile(file.toProto()));
    try (OutputStream out = new FileOutputStream(args[0])) {
      set.build().writeTo(out);
    }
  }

  /** Generated outer classes are the ones with a static {@code getDescriptor()} that returns a file. */
  private void inspect(String entry) {
    if (!entry.endsWith("Protos.class") && !entry.matches(".*Proto[^$/]*\\.class")) {
      return;
    }
    var name = entry.substring(0, entry.length() - ".class".length()).replace('/', '.');
    try {
      var method = Class.forName(name, false, Descriptors.class.getClassLoader()).getMethod("getDescriptor");
      if (method.getReturnType() == FileDescriptor.class) {
        add((FileDescriptor) method.invoke(null));
      }
    } catch (ReflectiveOperationException | LinkageError notOne) {
      // Other classes, and a few that want the protobuf library of Hadoop 2.
    }
  }

  private void add(FileDescriptor file) {
    if (files.put(file.getName(), file) == null) {
      file.getDependencies().forEach(this::add);
    }
  }
}
