# A table in R, with the units that its sidecar states: Rscript examples/read_table.R example.csv
# (Debian: r-base-core and r-cran-jsonlite; elsewhere: install.packages("jsonlite"))
path <- commandArgs(trailingOnly = TRUE)[1]
if (is.na(path)) path <- "example.csv"

table <- read.csv(path, na.strings = "")  # an empty cell is missing, never 0
sidecar <- jsonlite::fromJSON(sub("[.]csv$", ".schema.json", path))
unit <- setNames(sidecar$columns$unit, sidecar$columns$name)

cat(sprintf("%s: %d frames, facekit %s\n",
            sidecar$source$name, length(unique(table$frame)), sidecar$facekit))
for (name in c("time_s", "yaw", "gaze_yaw", "AU12")) {
  values <- table[[name]]
  cat(sprintf("%s [%s]: mean %.3f, %.0f%% present\n",
              name, unit[name], mean(values, na.rm = TRUE), 100 * mean(!is.na(values))))
}

# How strongly each side smiles, second by second, of rows that can be trusted.
seen <- subset(table, status == "ok")
seen$second <- floor(seen$time_s)
print(aggregate(cbind(AU12_left, AU12_right) ~ track + second, data = seen, FUN = mean))
