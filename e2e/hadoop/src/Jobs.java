package anabranch;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.Trash;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.hadoop.mapreduce.TaskAttemptID;
import org.apache.hadoop.mapreduce.TaskID;
import org.apache.hadoop.mapreduce.TaskType;
import org.apache.hadoop.mapreduce.lib.input.FileInputFormat;
import org.apache.hadoop.mapreduce.lib.output.FileOutputCommitter;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;
import org.apache.hadoop.mapreduce.task.JobContextImpl;
import org.apache.hadoop.mapreduce.task.TaskAttemptContextImpl;
import org.apache.hadoop.tools.DistCp;
import org.apache.hadoop.util.ToolRunner;

/**
 * How MapReduce and Hive work with a file system, by Hadoop's own classes: {@code Jobs URI ELSEWHERE ROOT...}. What they do, they
 * do in each directory ROOT; ELSEWHERE is a directory in another mount, to copy from and to. Writes one JSON line
 * {@code {"test","outcome","reason"}} for each, as {@link Contract} does, and {@code {"done":true}} at the end.
 */
public final class Jobs {
  private static final int TASKS = 4;
  /** Where tasks put their files: below the output directory, and in a directory there. */
  private static final String[] SIDES = {"", "side/"};

  private final Configuration conf;
  private final FileSystem fs;
  private final Path elsewhere;
  private final Path root;

  private Jobs(Configuration conf, Path elsewhere, Path root) throws IOException {
    this.conf = conf;
    this.fs = FileSystem.get(conf);
    this.elsewhere = elsewhere;
    this.root = root;
  }

  /** One way of working. */
  private interface Work {
    void run(Jobs jobs) throws Exception;
  }

  private static final Map<String, Work> WORKS = new TreeMap<>(Map.of(
      "commits_v1", jobs -> jobs.commits(1),
      "commits_v2", jobs -> jobs.commits(2),
      "commits_at_the_top", Jobs::commitsAtTheTop,
      "recovers", Jobs::recovers,
      "runs_a_job", Jobs::runsJob,
      "inserts", Jobs::inserts,
      "globs", Jobs::globs,
      "lists", Jobs::lists,
      "trashes", Jobs::trashes,
      "copies", Jobs::copies));

  public static void main(String[] args) throws Exception {
    PrintStream events = System.out;
    System.setOut(System.err);
    ObjectMapper json = new ObjectMapper();
    Configuration conf = new HdfsConfiguration();
    conf.set("fs.defaultFS", args[0]);
    conf.set("dfs.replication", "1");
    conf.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10");
    conf.set("dfs.client.block.write.locateFollowingBlock.retries", "10");
    conf.set("mapreduce.framework.name", "local");
    conf.set("fs.trash.interval", "60");
    conf.set("mapreduce.client.completion.pollinterval", "20");
    conf.set("mapreduce.client.progressmonitor.pollinterval", "20");
    for (String root : Arrays.asList(args).subList(2, args.length)) {
      conf.set("mapreduce.jobtracker.staging.root.dir", root + "/staging");
      for (Map.Entry<String, Work> work : WORKS.entrySet()) {
        String reason = "";
        try {
          work.getValue().run(new Jobs(conf, new Path(args[1]), new Path(root)));
        } catch (Exception | AssertionError e) {
          e.printStackTrace();
          reason = e.toString().lines().findFirst().orElse("");
        }
        String outcome = reason.isEmpty() ? "passed" : "failed";
        events.println(json.writeValueAsString(
            Map.of("test", root + "." + work.getKey(), "outcome", outcome, "reason", reason)));
        events.flush();
      }
    }
    events.println("{\"done\":true}");
    events.flush();
    Runtime.getRuntime().halt(0);
  }

  /** Each task has an attempt that is given up beside the one that counts. What must be there then. */
  private Map<String, String> commits(int algorithm, Path out, String... dirs) throws Exception {
    conf.setInt(FileOutputCommitter.FILEOUTPUTCOMMITTER_ALGORITHM_VERSION, algorithm);
    JobContext job = new JobContextImpl(conf, attempt(0, 0, 1).getJobID());
    FileOutputCommitter committer = new FileOutputCommitter(out, new TaskAttemptContextImpl(conf, attempt(0, 0, 1)));
    committer.setupJob(job);
    Map<String, String> expected = new TreeMap<>(Map.of("_SUCCESS", ""));
    for (int task = 0; task < TASKS; task++) {
      attempt(out, task, 0, 1, dirs).abort();
      Attempt good = attempt(out, task, 1, 1, dirs);
      expect(good.committer.needsTaskCommit(good.context), "nothing to commit");
      good.commit();
      expected.putAll(good.written);
    }
    committer.commitJob(job);
    return expected;
  }

  private void commits(int algorithm) throws Exception {
    Path out = fresh("commits-v" + algorithm);
    Map<String, String> expected = commits(algorithm, out, SIDES);
    equal(tree(out), expected);
  }

  /**
   * Straight into the directory that is mounted. Where first directories below it are hashed, files only: those in directories
   * cannot be moved to a directory that is in another subcluster.
   */
  private void commitsAtTheTop() throws Exception {
    Path top = root.getParent();
    for (int algorithm = 1; algorithm <= 2; algorithm++) {
      for (Map.Entry<String, String> file : commits(algorithm, top, "").entrySet()) {
        Path committed = new Path(top, file.getKey());
        equal(read(committed), file.getValue());
        expect(fs.delete(committed, false), "delete said no: " + committed);
      }
      expect(!fs.exists(new Path(top, "_temporary")), "there after the job was committed");
    }
  }

  /** The second attempt of an application finds what tasks of the first have committed. */
  private void recovers() throws Exception {
    Path out = fresh("recovers");
    conf.setInt(FileOutputCommitter.FILEOUTPUTCOMMITTER_ALGORITHM_VERSION, 1);
    new FileOutputCommitter(out, new TaskAttemptContextImpl(conf, attempt(0, 0, 1)))
        .setupJob(new JobContextImpl(conf, attempt(0, 0, 1).getJobID()));
    Attempt first = attempt(out, 0, 0, 0, SIDES);
    first.commit();
    conf.setInt("mapreduce.job.application.attempt.id", 1);
    try {
      Attempt again = attempt(out, 0, 0, 2, SIDES);
      again.committer.setupJob(again.context);
      again.committer.recoverTask(again.context);
      Attempt other = attempt(out, 1, 0, 2, SIDES);
      other.commit();
      other.committer.commitJob(other.context);
      Map<String, String> expected = new TreeMap<>(Map.of("_SUCCESS", ""));
      expected.putAll(first.written);
      expected.putAll(other.written);
      equal(tree(out), expected);
    } finally {
      conf.unset("mapreduce.job.application.attempt.id");
    }
  }

  /** From splits with locations to a sorted output, staging directory and all. */
  private void runsJob() throws Exception {
    Path in = fresh("job-in");
    Path out = fresh("job-out");
    fs.delete(out, true);
    for (int i = 0; i < TASKS; i++) {
      write(new Path(in, "part-" + i), "line " + i + "\n");
    }
    Job job = Job.getInstance(conf, "sorts lines");
    job.setOutputKeyClass(LongWritable.class);
    job.setOutputValueClass(Text.class);
    FileInputFormat.addInputPath(job, in);
    FileOutputFormat.setOutputPath(job, out);
    expect(job.waitForCompletion(false), "the job failed");
    Map<String, String> found = tree(out);
    equal(found.keySet(), Set.of("_SUCCESS", "part-r-00000"));
    List<String> lines = Arrays.asList(found.get("part-r-00000").split("\n"));
    expect(lines.size() == TASKS && lines.get(0).startsWith("0\tline"), lines.toString());
  }

  /** INSERT OVERWRITE into a partition by way of a staging directory, then ALTER TABLE RENAME PARTITION, then DROP. */
  private void inserts() throws Exception {
    Path table = fresh("table");
    Path partition = new Path(table, "dt=1");
    fs.mkdirs(partition);
    write(new Path(partition, "000000_0"), "old");
    write(new Path(partition, "000001_0"), "old, too");
    Path staging = new Path(table, ".hive-staging_hive_2024-01-01_00-00-00_000_1-1");
    Path temporary = new Path(staging, "_tmp.-ext-10000");
    Path done = new Path(staging, "-ext-10000");
    Map<String, String> expected = new TreeMap<>();
    for (int task = 0; task < TASKS; task++) {
      Path file = new Path(staging, "_task_tmp.-ext-10000/_tmp.00000" + task + "_0");
      write(file, "new " + task);
      fs.mkdirs(temporary);
      expect(fs.rename(file, new Path(temporary, "00000" + task + "_0")), "rename said no");
      expected.put("00000" + task + "_0", "new " + task);
    }
    expect(fs.rename(temporary, done), "rename said no");
    Trash trash = new Trash(fs, conf);
    for (FileStatus old : fs.listStatus(partition)) {
      expect(trash.moveToTrash(old.getPath()), "not moved to the trash: " + old.getPath());
    }
    for (FileStatus file : fs.listStatus(done)) {
      expect(fs.rename(file.getPath(), new Path(partition, file.getPath().getName())), "rename said no");
    }
    expect(fs.delete(staging, true), "delete said no");
    equal(tree(partition), expected);

    Path renamed = new Path(table, "dt=2");
    expect(fs.rename(partition, renamed), "rename said no");
    equal(tree(renamed), expected);
    expect(!fs.exists(partition), "there after it was renamed");
    expect(Trash.moveToAppropriateTrash(fs, table, conf), "not moved to the trash");
    expect(!fs.exists(table), "there after it was dropped");
  }

  private void globs() throws Exception {
    Path dir = fresh("globs");
    for (String name : new String[] {"dt=1/a", "dt=1/b", "dt=2/a", "dt=2/c", "other/a"}) {
      write(new Path(dir, name), name);
    }
    Map<String, Set<String>> expected = Map.of(
        "dt=*/a", Set.of("dt=1/a", "dt=2/a"),
        "*/{b,c}", Set.of("dt=1/b", "dt=2/c"),
        "dt=[2-9]/*", Set.of("dt=2/a", "dt=2/c"),
        "{dt=1,other}/?", Set.of("dt=1/a", "dt=1/b", "other/a"),
        "none*", Set.of());
    for (Map.Entry<String, Set<String>> glob : expected.entrySet()) {
      Set<String> found = new TreeSet<>();
      for (FileStatus status : fs.globStatus(new Path(dir, glob.getKey()))) {
        found.add(below(dir, status.getPath()));
      }
      equal(found, glob.getValue());
    }
    // From the top, through mount points.
    String file = dir.toUri().getPath() + "/dt=1/a";
    String top = "/*" + file.substring(file.indexOf('/', 1));
    boolean found = Arrays.stream(fs.globStatus(new Path(top))).anyMatch(s -> s.getPath().toUri().getPath().equals(file));
    expect(found, "not found from the top: " + top);
  }

  /** As FileInputFormat does: recursively, with locations. */
  private void lists() throws Exception {
    Path dir = fresh("lists");
    Map<String, String> expected = new TreeMap<>();
    for (int i = 0; i < 30; i++) {
      String name = "d" + i % 3 + "/d" + i % 2 + "/f" + i;
      write(new Path(dir, name), name);
      expected.put(name, name);
    }
    equal(tree(dir), expected);
    RemoteIterator<LocatedFileStatus> all = fs.listFiles(dir, true);
    while (all.hasNext()) {
      LocatedFileStatus file = all.next();
      BlockLocation[] blocks = file.getBlockLocations();
      expect(blocks.length == 1 && blocks[0].getHosts().length == 1 && blocks[0].getLength() == file.getLen(),
          file + " is at " + Arrays.toString(blocks));
    }
    expect(fs.getContentSummary(dir).getFileCount() == 30, fs.getContentSummary(dir).toString());
  }

  /** To the trash, and out of it again for good. */
  private void trashes() throws Exception {
    Path dir = fresh("trashes");
    Path kept = new Path(dir, "kept");
    write(kept, "not yet gone");
    Trash trash = new Trash(fs, conf);
    expect(trash.moveToTrash(kept), "not moved to the trash");
    expect(!fs.exists(kept), "there after it was moved");
    Path trashed = Path.mergePaths(new Path(fs.getTrashRoot(kept), "Current"), kept);
    expect(read(trashed).equals("not yet gone"), "another content in the trash");
    // A second one of the same name.
    write(kept, "the second");
    expect(trash.moveToTrash(kept), "not moved to the trash");
    // An administrator's hdfs dfs -expunge -immediate.
    trash.expungeImmediately();
    expect(!fs.exists(trashed), "there after the trash was emptied: " + trashed);
  }

  /** DistCp of a tree there and back; a second one finds nothing to do. */
  private void copies() throws Exception {
    Path from = fresh("copies-from");
    Path there = new Path(elsewhere, "copies");
    Path back = fresh("copies-back");
    fs.delete(there, true);
    for (int i = 0; i < 12; i++) {
      write(new Path(from, "d" + i % 3 + "/f" + i), "file " + i);
    }
    fs.setPermission(new Path(from, "d1"), new FsPermission((short) 0750));
    distcp("-p", from, there);
    equal(tree(there), tree(from));
    expect(fs.getFileStatus(new Path(there, "d1")).getPermission().toShort() == 0750, "permissions were lost");
    distcp("-update", there, back);
    equal(tree(back), tree(from));
    fs.delete(new Path(there, "d2"), true);
    write(new Path(there, "d0/new"), "new");
    distcp("-update", "-delete", there, back);
    equal(tree(back), tree(there));
  }

  private void distcp(Object... args) throws Exception {
    String[] words = Arrays.stream(args).map(Object::toString).toArray(String[]::new);
    int code = ToolRunner.run(new DistCp(new Configuration(conf), null), words);
    expect(code == 0, "distcp " + Arrays.toString(words) + " ended with " + code);
  }

  /** One attempt at a task that writes a file in each of these directories. */
  private final class Attempt {
    final TaskAttemptContext context;
    final FileOutputCommitter committer;
    final Map<String, String> written = new TreeMap<>();

    Attempt(Path out, TaskAttemptID id, String... dirs) throws Exception {
      context = new TaskAttemptContextImpl(conf, id);
      committer = new FileOutputCommitter(out, context);
      committer.setupTask(context);
      String part = String.format("part-m-%05d", id.getTaskID().getId());
      for (String dir : dirs) {
        String name = dir + part;
        write(new Path(committer.getWorkPath(), name), id.toString());
        written.put(name, id.toString());
      }
    }

    void commit() throws IOException {
      committer.commitTask(context);
    }

    void abort() throws IOException {
      committer.abortTask(context);
    }
  }

  private Attempt attempt(Path out, int task, int attempt, int application, String... dirs) throws Exception {
    return new Attempt(out, attempt(task, attempt, application), dirs);
  }

  private static TaskAttemptID attempt(int task, int attempt, int application) {
    // Attempts at an application number their tasks' attempts apart.
    return new TaskAttemptID(new TaskID("1700000000000", 1, TaskType.MAP, task), attempt + application * 1000);
  }

  /** An empty directory for one way of working. */
  private Path fresh(String name) throws IOException {
    Path dir = new Path(root, name);
    fs.delete(dir, true);
    expect(fs.mkdirs(dir), "mkdirs said no: " + dir);
    return dir;
  }

  /** Contents of all files below, by their paths. */
  private Map<String, String> tree(Path dir) throws IOException {
    Map<String, String> found = new TreeMap<>();
    RemoteIterator<LocatedFileStatus> all = fs.listFiles(dir, true);
    while (all.hasNext()) {
      Path file = all.next().getPath();
      found.put(below(dir, file), read(file));
    }
    return found;
  }

  private static String below(Path dir, Path path) {
    return path.toUri().getPath().substring(dir.toUri().getPath().length() + 1);
  }

  private void write(Path file, String content) throws IOException {
    try (OutputStream out = fs.create(file, false)) {
      out.write(content.getBytes(StandardCharsets.UTF_8));
    }
  }

  private String read(Path file) throws IOException {
    try (InputStream in = fs.open(file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void expect(boolean right, String otherwise) {
    if (!right) {
      throw new AssertionError(otherwise);
    }
  }

  private static void equal(Object found, Object expected) {
    expect(found.equals(expected), "found " + found + ", not " + expected);
  }
}
