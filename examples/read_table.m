% A table in MATLAB, with the units that its sidecar states; run in the folder of example.csv.
path = 'example.csv';

table_ = readtable(path, 'TextType', 'string');  % an empty cell is NaN, never 0
sidecar = jsondecode(fileread(strrep(path, '.csv', '.schema.json')));
unit = containers.Map({sidecar.columns.name}, {sidecar.columns.unit});

fprintf('%s: %d frames, facekit %s\n', ...
    sidecar.source.name, numel(unique(table_.frame)), sidecar.facekit);
names = {'time_s', 'yaw', 'gaze_yaw', 'AU12'};
for i = 1:numel(names)
    values = table_.(names{i});
    fprintf('%s [%s]: mean %.3f, %.0f%% present\n', ...
        names{i}, unit(names{i}), mean(values, 'omitnan'), 100 * mean(~isnan(values)));
end

% How strongly each side smiles, of rows that can be trusted.
seen = table_(table_.status == "ok", :);
plot(seen.time_s, seen.AU12_left, seen.time_s, seen.AU12_right);
xlabel('time [s]'); ylabel('AU12'); legend('left', 'right');
