package anabranch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.HandleOpt;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.contract.*;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;

/**
 * Hadoop's own FileSystem contract tests against a file system that is already running.
 *
 * <p>{@code Contract URI ROOT [SUITE]...} writes one JSON line {@code {"test","outcome","reason"}} for
 * each test, outcomes being passed, skipped and failed, and {@code {"done":true}} at the end. ROOT must
 * be writable. The tests of the root directory are off: a federation's root holds mount points.
 */
public final class Contract {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static String uri;
  private static String root;

  private Contract() {}

  public static void main(String[] args) throws Exception {
    PrintStream events = System.out;
    System.setOut(System.err);
    uri = args[0];
    root = args[1];
    Set<String> wanted = new HashSet<>(Arrays.asList(args).subList(2, args.length));
    Class<?>[] suites = Contract.class.getDeclaredClasses();
    Arrays.sort(suites, Comparator.comparing(Class::getSimpleName));
    for (Class<?> suite : suites) {
      if (AbstractFSContractTestBase.class.isAssignableFrom(suite)
          && (wanted.isEmpty() || wanted.contains(suite.getSimpleName()))) {
        JUnitCore junit = new JUnitCore();
        junit.addListener(new Reporter(suite.getSimpleName(), events));
        junit.run(suite);
      }
    }
    events.println("{\"done\":true}");
    events.flush();
    Runtime.getRuntime().halt(0);
  }

  /** Writes an event for each test when it has ended. */
  private static final class Reporter extends RunListener {
    private final String suite;
    private final PrintStream events;
    private final Map<String, String> reasons = new HashMap<>();
    private final Map<String, Integer> names = new HashMap<>();
    private final Set<String> skipped = new HashSet<>();

    Reporter(String suite, PrintStream events) {
      this.suite = suite;
      this.events = events;
    }

    @Override
    public void testFailure(Failure failure) throws JsonProcessingException {
      String reason = failure.getException().getClass().getSimpleName() + ": "
          + String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
      failure.getException().printStackTrace();
      if (failure.getDescription().getMethodName() == null) {
        // The whole class failed in its set-up: no end of a test will follow.
        report("(class)", "failed", reason);
      } else {
        reasons.put(failure.getDescription().getMethodName(), reason);
      }
    }

    @Override
    public void testAssumptionFailure(Failure failure) {
      skipped.add(failure.getDescription().getMethodName());
    }

    @Override
    public void testIgnored(Description test) throws JsonProcessingException {
      report(test.getMethodName(), "skipped", "");
    }

    @Override
    public void testFinished(Description test) throws JsonProcessingException {
      String name = test.getMethodName();
      String reason = reasons.remove(name);
      boolean omitted = skipped.remove(name);
      report(name, reason != null ? "failed" : omitted ? "skipped" : "passed", reason == null ? "" : reason);
    }

    private void report(String test, String outcome, String reason) throws JsonProcessingException {
      // Some sets of parameters share a name.
      int count = names.merge(test, 1, Integer::sum);
      if (count > 1) {
        test += "#" + count;
      }
      events.println(JSON.writeValueAsString(
          Map.of("test", suite + "." + test, "outcome", outcome, "reason", reason)));
      events.flush();
    }
  }

  /** What HDFS promises, and where it is. */
  private static final class Endpoint extends AbstractFSContract {
    private static final String[] PROMISED = {
      "is-case-sensitive", "supports-append", "supports-atomic-directory-delete", "supports-atomic-rename",
      "supports-block-locality", "supports-concat", "supports-seek", "rejects-seek-past-eof",
      "supports-strict-exceptions", "supports-unix-permissions", "rename-returns-false-if-dest-exists",
      "rename-returns-false-if-source-missing", "supports-settimes", "supports-getfilestatus",
      "supports-file-reference", "supports-content-check", "supports-unbuffer", "supports-hflush",
      "supports-hsync", "supports-positioned-readable",
    };
    private static final String[] DENIED = {
      "test.root-tests-enabled", "metadata_updated_on_hsync", "vector-io-early-eof-check",
    };

    Endpoint(Configuration conf) {
      super(conf);
      for (String option : PROMISED) {
        getConf().setBoolean("fs.contract." + option, true);
      }
      for (String option : DENIED) {
        getConf().setBoolean("fs.contract." + option, false);
      }
      getConf().setInt("fs.contract.test.random-seek-count", 100);
      getConf().setInt("dfs.replication", 1);
      // A busy machine's DataNodes report late; ask soon and often instead of after 400 ms.
      getConf().setInt("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", 10);
      getConf().setInt("dfs.client.block.write.locateFollowingBlock.retries", 10);
      // With two DataNodes there is nobody to replace a failed one.
      getConf().set("dfs.client.block.write.replace-datanode-on-failure.policy", "NEVER");
    }

    @Override
    public FileSystem getTestFileSystem() throws IOException {
      return FileSystem.get(URI.create(uri), getConf());
    }

    @Override
    public String getScheme() {
      return "hdfs";
    }

    @Override
    public Path getTestPath() {
      return new Path(root);
    }
  }

  public static class Append extends AbstractContractAppendTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class BulkDelete extends AbstractContractBulkDeleteTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Concat extends AbstractContractConcatTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class ContentSummary extends AbstractContractContentSummaryTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class CopyFromLocal extends AbstractContractCopyFromLocalTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Create extends AbstractContractCreateTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Delete extends AbstractContractDeleteTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class GetFileStatus extends AbstractContractGetFileStatusTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class LeaseRecovery extends AbstractContractLeaseRecoveryTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Mkdir extends AbstractContractMkdirTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Open extends AbstractContractOpenTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Rename extends AbstractContractRenameTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class RootDirectory extends AbstractContractRootDirectoryTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class SafeMode extends AbstractContractSafeModeTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Seek extends AbstractContractSeekTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class SetTimes extends AbstractContractSetTimesTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class Unbuffer extends AbstractContractUnbufferTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class MultipartUploader extends AbstractContractMultipartUploaderTest {
    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }

    @Override
    protected int partSizeInBytes() {
      return 1024;
    }

    @Override
    protected boolean finalizeConsumesUploadIdImmediately() {
      return true;
    }

    @Override
    protected boolean supportsConcurrentUploadsToSamePath() {
      return true;
    }
  }

  public static class PathHandle extends AbstractContractPathHandleTest {
    public PathHandle(String name, HandleOpt[] options, boolean serialized) {
      super(name, options, serialized);
    }

    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }

  public static class VectoredRead extends AbstractContractVectoredReadTest {
    public VectoredRead(String bufferType) {
      super(bufferType);
    }

    @Override
    protected AbstractFSContract createContract(Configuration conf) {
      return new Endpoint(conf);
    }
  }
}
